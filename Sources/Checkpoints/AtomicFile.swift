import Glibc
import Support

/// A file that takes the place of `path` only when it is whole.
final class AtomicFile {
  let path: String
  let descriptor: Int32
  var temporary: String { "\(path).partial" }
  /// The folder of both.
  var folder: String {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    return folder.isEmpty ? "/" : folder
  }

  /// Writes a temporary file beside `path`, makes it durable and renames it.
  /// After a failure the old file is still there, untouched.
  ///
  /// Two processes that replace the same path take turns.
  static func replace(_ path: String, _ body: (AtomicFile) throws -> Void) throws {
    let file = try AtomicFile(path)
    defer { close(file.descriptor) }
    do {
      try body(file)
      guard fsync(file.descriptor) == 0 else { throw file.failure("cannot be written") }
      guard rename(file.temporary, path) == 0 else { throw file.failure("cannot be replaced") }
    } catch {
      unlink(file.temporary)
      throw error
    }
    try Files.syncFolder(of: path)
  }

  private init(_ path: String) throws {
    self.path = path
    let temporary = "\(path).partial"
    while true {
      let descriptor = open(temporary, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
      guard descriptor >= 0 else {
        throw Failure(
          .cannotCreate, "cannot be created: \(Files.systemError())", at: path,
          remedy: "Choose a folder that exists and can be written.")
      }
      // Where locks do not exist there is nobody to take turns with.
      _ = flock(descriptor, LOCK_EX)
      guard Self.isSame(descriptor, temporary) else {
        close(descriptor)
        continue
      }
      guard ftruncate(descriptor, 0) == 0 else {
        defer { close(descriptor) }
        throw Self.failure("cannot be written", path)
      }
      self.descriptor = descriptor
      return
    }
  }

  /// Whether the temporary file was not renamed away while this process waited for it.
  private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
      && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }

  func resize(_ count: Int) throws {
    guard ftruncate(descriptor, off_t(count)) == 0 else { throw failure("cannot be written") }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    try Self.write(bytes, at: offset, to: descriptor, path: path)
  }

  /// Writes all of `bytes`; may be called from several threads at once.
  static func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, to descriptor: Int32, path: String
  ) throws {
    var done = 0
    while done < bytes.count {
      let put = pwrite(
        descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 30),
        off_t(offset + done))
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else { throw failure("cannot be written", path) }
      done += put
    }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  private func failure(_ what: String) -> Failure { Self.failure(what, path) }

  private static func failure(_ what: String, _ path: String) -> Failure {
    Failure(
      .inputOutput, "\(what): \(Files.systemError())", at: path,
      remedy: "Make sure of free space and permission, then run the same command again.")
  }
}
