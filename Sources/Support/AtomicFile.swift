#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that replaces `path` only when it is complete.
package final class AtomicFile: Sendable {
  package let path: String
  package let descriptor: Int32
  /// The name of the file until it is complete.
  package let temporary: String
  private let work: Work

  /// The folder that holds both files.
  package var folder: String { Files.folder(of: path) }

  /// Writes a temporary file next to `path`, makes it durable and renames it.
  /// If this fails, the old file remains unchanged. (If only the folder's sync fails, the new file is there but its
  /// name is not yet durable.) A signal that ends the process also removes the temporary file.
  ///
  /// Two processes that replace the same path take turns. If `path` is a symbolic link, it stays a link and its
  /// target is replaced. A stream (`Files.isStream`) receives the bytes after all of them have been made.
  /// - Parameter bytes: the number of bytes to be written, if known; used to show progress.
  package static func replace(_ path: String, bytes: Int = 0, _ body: (AtomicFile) throws -> Void) throws {
    guard !Files.isStream(path) else { return try send(to: path, bytes: bytes, body) }
    let target = Files.target(of: path)
    let temporary = "\(target).partial"
    let file = AtomicFile(path, descriptor: try opened(temporary, for: path), temporary: temporary, bytes: bytes)
    defer { file.close() }
    do {
      // Removes what a killed process may have left in the file.
      try file.resize(0)
      try body(file)
      try Files.sync(file.descriptor, path: path)
      try Temporaries.whole {
        guard rename(temporary, target) == 0 else { throw file.failure("cannot be replaced") }
        Temporaries.forget(temporary)
      }
    } catch {
      Temporaries.discard(temporary)
      throw error
    }
    try Files.syncFolder(of: target)
  }

  private static func send(to path: String, bytes: Int, _ body: (AtomicFile) throws -> Void) throws {
    let descriptor = Temporaries.openNameless()
    guard descriptor >= 0 else { throw cannotCreate(path) }
    let file = AtomicFile(path, descriptor: descriptor, temporary: "/proc/self/fd/\(descriptor)", bytes: bytes)
    defer { file.close() }
    try body(file)
    let stream = Files.uninterrupted { open(path, O_WRONLY | O_CLOEXEC) }
    guard stream >= 0 else { throw cannotCreate(path) }
    defer { systemClose(stream) }
    lseek(descriptor, 0, SEEK_SET)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = buffer.withUnsafeMutableBytes { buffer in
        Files.uninterrupted { read(descriptor, buffer.baseAddress, buffer.count) }
      }
      guard got >= 0 else { throw file.failure("cannot be written") }
      if got == 0 { return }
      try Files.write(Array(buffer[..<got]), to: stream, path: path)
    }
  }

  /// Opens the temporary file, locks it, and registers it for removal when a signal ends the process.
  private static func opened(_ temporary: String, for path: String) throws -> Int32 {
    while true {
      let (descriptor, isOurs) = try Temporaries.whole { try tried(temporary, for: path) }
      if isOurs { return descriptor }
      // Another process has the file. Waits until it releases the lock, then opens the name again.
      _ = Files.uninterrupted { flock(descriptor, LOCK_EX) }
      systemClose(descriptor)
    }
  }

  private static func tried(_ temporary: String, for path: String) throws -> (descriptor: Int32, isOurs: Bool) {
    let descriptor = Files.uninterrupted {
      open(temporary, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o644)
    }
    guard descriptor >= 0 else { throw cannotCreate(path) }
    // On file systems without locks the lock fails with another error; continue without turns.
    let isLocked = Files.uninterrupted { flock(descriptor, LOCK_EX | LOCK_NB) } == 0 || errno != EWOULDBLOCK
    guard isLocked, Files.isSame(descriptor, temporary) else { return (descriptor, false) }
    guard Temporaries.add(temporary) else {
      let failure = cannotCreate(path)
      unlink(temporary)
      systemClose(descriptor)
      throw failure
    }
    return (descriptor, true)
  }

  private init(_ path: String, descriptor: Int32, temporary: String, bytes: Int) {
    self.path = path
    self.descriptor = descriptor
    self.temporary = temporary
    work = Work("writing", of: bytes)
  }

  private func close() {
    systemClose(descriptor)
    work.end()
  }

  package func resize(_ count: Int) throws {
    guard Files.uninterrupted({ ftruncate(descriptor, off_t(count)) }) == 0 else {
      throw failure("cannot be written")
    }
  }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    try Self.write(bytes, at: offset, to: descriptor, path: path) { work.advance(by: $0) }
  }

  package func write(_ bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  /// Writes all of `bytes`. Several threads may call this at once.
  /// - Parameter written: called with the number of bytes written since the last call.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, to descriptor: Int32, path: String,
    written: (Int) -> Void = { _ in }
  ) throws {
    var done = 0
    while done < bytes.count {
      let put = Files.uninterrupted {
        pwrite(
          descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 24),
          off_t(offset + done))
      }
      guard put > 0 else { throw failure("cannot be written", at: path) }
      done += put
      written(put)
    }
  }

  private func failure(_ what: String) -> Failure { Self.failure(what, at: path) }

  private static func failure(_ what: String, at path: String) -> Failure {
    Failure(
      .inputOutput, "\(what): \(Files.systemError())", at: path,
      remedy: "Check free space and permissions, then run the same command again.")
  }

  static func cannotCreate(_ path: String) -> Failure {
    Failure(
      .cannotCreate, "cannot be created: \(Files.systemError())", at: path,
      remedy: "Choose an existing folder that you can write to.")
  }
}

/// `close(2)`; inside the class, its own method `close` hides this function.
private func systemClose(_ descriptor: Int32) { close(descriptor) }
