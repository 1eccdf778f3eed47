import Glibc
import Support

/// A file that takes the place of `path` only when it is whole.
package final class AtomicFile: Sendable {
  package let path: String
  let descriptor: Int32
  var temporary: String { "\(path).partial" }
  /// The folder of both.
  var folder: String { Files.folder(of: path) }

  /// Writes a temporary file beside `path`, makes it durable and renames it.
  /// After a failure the old file is still there, untouched; or the new one, if only its name is not
  /// yet durable.
  ///
  /// Two processes that replace the same path take turns.
  package static func replace(_ path: String, _ body: (AtomicFile) throws -> Void) throws {
    let file = try AtomicFile(path)
    defer { close(file.descriptor) }
    do {
      // What a killed process left of it.
      try file.resize(0)
      try body(file)
      try Files.sync(file.descriptor, path: path)
      guard rename(file.temporary, path) == 0 else { throw file.failure("cannot be replaced") }
    } catch {
      unlink(file.temporary)
      throw error
    }
    try Files.syncFolder(of: path)
  }

  private init(_ path: String) throws {
    self.path = path
    descriptor = Files.openLocked("\(path).partial", O_RDWR | O_CREAT | O_NOFOLLOW)
    guard descriptor >= 0 else {
      throw Failure(
        .cannotCreate, "cannot be created: \(Files.systemError())", at: path,
        remedy: "Choose a folder that exists and can be written.")
    }
  }

  package func resize(_ count: Int) throws {
    guard Files.uninterrupted({ ftruncate(descriptor, off_t(count)) }) == 0 else {
      throw failure("cannot be written")
    }
  }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    try Self.write(bytes, at: offset, to: descriptor, path: path)
  }

  /// Writes all of `bytes`; may be called from several threads at once.
  static func write(
    _ bytes: UnsafeRawBufferPointer, at offset: Int, to descriptor: Int32, path: String
  ) throws {
    var done = 0
    while done < bytes.count {
      let put = Files.uninterrupted {
        pwrite(
          descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 30),
          off_t(offset + done))
      }
      guard put > 0 else { throw failure("cannot be written", path) }
      done += put
    }
  }

  package func write(_ bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  private func failure(_ what: String) -> Failure { Self.failure(what, path) }

  private static func failure(_ what: String, _ path: String) -> Failure {
    Failure(
      .inputOutput, "\(what): \(Files.systemError())", at: path,
      remedy: "Make sure of free space and permission, then run the same command again.")
  }
}
