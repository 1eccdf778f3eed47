import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whole files, with errors that name them.
public enum Files {
  /// The text of the current `errno`.
  public static func systemError() -> String { String(cString: strerror(errno)) }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// All bytes of a regular file.
  /// - Throws: `Failure(.inputOutput)` naming the path.
  public static func read(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw Failure(
        .inputOutput, "cannot be read: \(systemError())", at: path, remedy: "Check the path.")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Failure(.inputOutput, "is not a regular file", at: path, remedy: "Name a file.")
    }
    let count = Int(status.st_size)
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = Glibc.read(descriptor, buffer.baseAddress! + filled, count - filled)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else {
          throw Failure(.inputOutput, "cannot be read: \(systemError())", at: path)
        }
        if got == 0 { break }
        filled += got
      }
    }
  }

  /// Replaces `path` by `bytes`: temporary file beside it, fsync, rename, fsync of the folder.
  /// After a failure the old file is still there.
  public static func writeAtomically(_ bytes: [UInt8], to path: String) throws {
    let temporary = "\(path).partial"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Failure(
        .cannotCreate, "cannot be created: \(systemError())", at: path,
        remedy: "Choose a folder that exists and can be written.")
    }
    do {
      try write(bytes, to: descriptor, path: path)
      guard fsync(descriptor) == 0 else {
        throw Failure(.inputOutput, "cannot be written: \(systemError())", at: path)
      }
      close(descriptor)
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard rename(temporary, path) == 0 else {
      let reason = systemError()
      unlink(temporary)
      throw Failure(.inputOutput, "cannot be replaced: \(reason)", at: path)
    }
    try syncFolder(of: path)
  }

  /// Makes the directory entry of `path` durable.
  public static func syncFolder(of path: String) throws {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // Some file systems do not sync folders; EINVAL says so and is no loss.
    if fsync(descriptor) != 0 && errno != EINVAL {
      throw Failure(.inputOutput, "cannot be synced: \(systemError())", at: folder)
    }
  }

  /// Writes all of `bytes` to an open descriptor.
  public static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let put = Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        if put < 0 && errno == EINTR { continue }
        guard put > 0 else {
          throw Failure(
            .inputOutput, "cannot be written: \(systemError())", at: path,
            remedy: "Free some space and run the same command again.")
        }
        done += put
      }
    }
  }
}
