import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The exclusive right to write to a run folder, held until this object is deallocated.
///
/// It is an advisory lock on the file `lock`. The kernel releases it when the process ends, so the lock file of a
/// killed process blocks no other process. The file contains the process and its machine, for error messages.
final class FolderLock {
  static let name = "lock"
  private let descriptor: Int32
  private let path: String

  /// - Throws: `Failure(.busy)` with the process that holds the lock.
  init(folder: String) throws {
    path = "\(folder)/\(Self.name)"
    while true {
      let descriptor = try Self.acquire(path, in: folder)
      // The process that held the lock may have removed the file with its folder.
      if Files.isSame(descriptor, path) {
        self.descriptor = descriptor
        break
      }
      close(descriptor)
    }
    // A full disk must not stop a run here: the lock works without the name in the file.
    ftruncate(descriptor, 0)
    try? Files.write(Array("\(getpid()) \(Self.host)\n".utf8), to: descriptor, path: path)
  }

  deinit {
    ftruncate(descriptor, 0)
    // Closing is not enough: a child process between fork and exec still has the file open.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Removes the file. This is safe because no other process can hold the lock now.
  func remove() { unlink(path) }

  private static func acquire(_ path: String, in folder: String) throws -> Int32 {
    let isNew = !Files.exists(path)
    let descriptor = Files.uninterrupted { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
    guard descriptor >= 0 else {
      throw Failure(
        .cannotCreate, "cannot be written: \(Files.systemError())", at: folder,
        remedy: "Choose a folder that you may write with --output.")
    }
    guard Files.uninterrupted({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 else {
      let reason = errno
      defer { close(descriptor) }
      guard reason == EWOULDBLOCK else {
        if isNew { unlink(path) }
        throw Failure(
          .inputOutput, "cannot be locked: \(String(cString: strerror(reason)))", at: path,
          remedy: "Choose a folder on a local disk with --output.")
      }
      throw busy(descriptor, folder)
    }
    return descriptor
  }

  // MARK: The holder of the lock

  private static func busy(_ descriptor: Int32, _ folder: String) -> Failure {
    let words = holder(descriptor).split(separator: " ").map(String.init)
    let remedy = "Wait until it ends, or choose another folder with --output."
    guard let process = words.first, let number = Int32(process) else {
      return Failure(.busy, "is in use by process (unnamed)", at: folder, remedy: remedy)
    }
    if words.count > 1 && words[1] != host {
      return Failure(
        .busy, "is in use by process \(process) on \(words[1])", at: folder, remedy: remedy)
    }
    guard kill(number, 0) != 0 && errno == ESRCH else {
      return Failure(.busy, "is in use by process \(process)", at: folder, remedy: remedy)
    }
    // A child of that process has inherited the open file, and so the lock.
    return Failure(
      .busy, "is in use by a process that was started by process \(process), now gone",
      at: folder,
      remedy: "Find it with `fuser \(folder)/\(name)` and end it, "
        + "or choose another folder with --output.")
  }

  /// The first line of the lock file.
  private static func holder(_ descriptor: Int32) -> String {
    let bytes = [UInt8](unsafeUninitializedCapacity: 128) { buffer, filled in
      filled = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
    }
    return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
  }

  /// This machine's name, without spaces.
  private static let host: String = {
    var name = [CChar](repeating: 0, count: 65)
    guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
    let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes.map { $0 > 0x20 ? $0 : 0x5F }, as: UTF8.self)
  }()
}
