import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The exclusive right to write into a run folder, held until this object goes.
///
/// An advisory lock on the file `lock`, which the kernel drops with the process: a lock file left
/// behind by a killed process holds nobody up. The file names the process for people.
final class FolderLock {
  static let name = "lock"
  private let descriptor: Int32

  /// - Throws: `Failure(.busy)` naming the process that holds it.
  init(folder: String) throws {
    let path = "\(folder)/\(Self.name)"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw Failure(
        .cannotCreate, "cannot be written: \(Files.systemError())", at: folder,
        remedy: "Choose a folder that you may write with --output.")
    }
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      if errno == EINTR { continue }
      defer { close(descriptor) }
      guard errno == EWOULDBLOCK else {
        throw Failure(
          .inputOutput, "cannot be locked: \(Files.systemError())", at: path,
          remedy: "Choose a folder on a local disk with --output.")
      }
      throw Failure(
        .busy, "is in use by process \(Self.holder(descriptor))", at: folder,
        remedy: "Wait until it ends, or choose another folder with --output.")
    }
    // A full disk must not stop a run here: the lock holds without the name in it.
    ftruncate(descriptor, 0)
    try? Files.write(Array("\(getpid())\n".utf8), to: descriptor, path: path)
  }

  deinit {
    ftruncate(descriptor, 0)
    // Closing alone would not do: a child between its fork and its exec still has the file open.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  private static func holder(_ descriptor: Int32) -> String {
    let bytes = [UInt8](unsafeUninitializedCapacity: 32) { buffer, filled in
      filled = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
    }
    let digits = bytes.prefix { (0x30...0x39).contains($0) }
    return digits.isEmpty ? "(unnamed)" : String(decoding: digits, as: UTF8.self)
  }
}
