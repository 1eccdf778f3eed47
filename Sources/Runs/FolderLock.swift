import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The exclusive right to write into a run folder, held until this object goes.
///
/// An advisory lock on the file `lock`, which the kernel drops with the process: a lock file left
/// behind by a killed process holds nobody up. The file names the process and its machine for people.
final class FolderLock {
  static let name = "lock"
  private let descriptor: Int32
  private let path: String

  /// - Throws: `Failure(.busy)` naming the process that holds it.
  init(folder: String) throws {
    path = "\(folder)/\(Self.name)"
    while true {
      let descriptor = try Self.acquire(path, folder)
      // Whoever held it may have removed it with the folder that was its own.
      if Files.isSame(descriptor, path) {
        self.descriptor = descriptor
        break
      }
      close(descriptor)
    }
    // A full disk must not stop a run here: the lock holds without the name in it.
    ftruncate(descriptor, 0)
    try? Files.write(Array("\(getpid()) \(Self.host)\n".utf8), to: descriptor, path: path)
  }

  deinit {
    ftruncate(descriptor, 0)
    // Closing alone would not do: a child between its fork and its exec still has the file open.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// Removes the file; nobody else can have it while this process holds it.
  func remove() { unlink(path) }

  private static func acquire(_ path: String, _ folder: String) throws -> Int32 {
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

  // MARK: Who holds it

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
    // What the process had open lives on in a process that it started.
    return Failure(
      .busy, "is in use by a process that process \(process), now gone, has left behind",
      at: folder,
      remedy: "Find it with `fuser \(folder)/\(name)` and end it, "
        + "or choose another folder with --output.")
  }

  /// What the file says, of one line.
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
