import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Operations on whole files; their errors name the file.
public enum Files {
  /// The text of the current `errno`.
  public static func systemError() -> String { String(cString: strerror(errno)) }

  /// Repeats a system call while signals interrupt it; returns −1 if the call failed for another reason.
  public static func uninterrupted<Value: SignedInteger>(_ call: () -> Value) -> Value {
    while true {
      let result = call()
      if result != -1 || errno != EINTR { return result }
    }
  }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether `path` exists and accepts bytes only in order: a pipe, a terminal, a device or a socket.
  public static func isStream(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    return [S_IFIFO, S_IFCHR, S_IFSOCK].contains(status.st_mode & S_IFMT)
  }

  /// The final target of a symbolic link; `path` itself if it is not a link or its target does not exist.
  static func target(of path: String) -> String {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let real = realpath(path, nil)
    else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// The folder that contains `path`.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Makes a folder if the name does not exist.
  /// - Throws: `Failure(.cannotCreate)` naming the folder.
  public static func makeFolder(_ path: String) throws {
    guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    throw Failure(.cannotCreate, "cannot be created: \(systemError())", at: path, remedy: "Choose another place.")
  }

  /// The names in a folder, sorted.
  /// - Throws: `Failure(.inputOutput)` naming the folder, also if only a part of it can be read.
  public static func names(in folder: String) throws -> [String] {
    guard let directory = opendir(folder) else {
      throw Failure(.inputOutput, "cannot be read: \(systemError())", at: folder)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0  // the only way to tell an error from the end of the folder
      guard let entry = readdir(directory) else { break }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    guard errno == 0 else {
      throw Failure(.inputOutput, "cannot be read: \(systemError())", at: folder)
    }
    return names.sorted()
  }

  /// Opens a file and waits until no other process has locked it; returns −1 if it cannot be opened.
  ///
  /// When this returns, the name `path` belongs to the opened file. The check is needed because the process that held
  /// the lock may have renamed the file, or given its name to another file. On file systems without locks, processes
  /// do not wait for each other.
  public static func openLocked(_ path: String, _ flags: Int32) -> Int32 {
    while true {
      let descriptor = uninterrupted { open(path, flags | O_CLOEXEC, 0o644) }
      guard descriptor >= 0 else { return descriptor }
      _ = uninterrupted { flock(descriptor, LOCK_EX) }
      if isSame(descriptor, path) { return descriptor }
      close(descriptor)
    }
  }

  /// Swaps the names of two files or folders in one step; false (with `errno`) on failure.
  public static func exchange(_ a: String, _ b: String) -> Bool { ts_exchange(a, b) == 0 }

  /// Whether `path` still names this open file.
  public static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
      && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }

  /// Opens a regular file for reading. Never blocks on a pipe whose other end is not open.
  /// - Returns: the descriptor, which the caller closes, and the file size in bytes.
  /// - Throws: `Failure(.inputOutput)` naming the path.
  public static func openRegular(_ path: String) throws -> (descriptor: Int32, count: Int) {
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else {
      throw Failure(
        .inputOutput, "cannot be read: \(systemError())", at: path, remedy: "Check the path.",
        code: errno == ENOENT ? .notFound : nil)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw Failure(.inputOutput, "is not a regular file", at: path, remedy: "Name a file.")
    }
    return (descriptor, Int(status.st_size))
  }

  /// All bytes of a regular file.
  /// - Parameter limit: the largest allowed size in bytes; a larger file is not read at all.
  /// - Throws: `Failure(.inputOutput)` naming the path, `.badData` for a file over the limit.
  public static func read(_ path: String, limit: Int = .max) throws -> [UInt8] {
    let (descriptor, count) = try openRegular(path)
    defer { close(descriptor) }
    guard count <= limit else {
      throw Failure(
        .badData, "has \(count) bytes; the limit for such a file is \(limit)", at: path,
        remedy: "Name another file.")
    }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = uninterrupted {
          Glibc.read(descriptor, buffer.baseAddress! + filled, count - filled)
        }
        guard got >= 0 else {
          throw Failure(.inputOutput, "cannot be read: \(systemError())", at: path)
        }
        if got == 0 { break }
        filled += got
      }
    }
  }

  /// The first 64 kB of a kernel file such as those in `/proc`, whose size is not known in advance; nil if it cannot
  /// be opened.
  public static func unsized(_ path: String) -> [UInt8]? {
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, filled in
      while filled < buffer.count {
        let got = uninterrupted { Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled) }
        guard got > 0 else { break }
        filled += got
      }
    }
  }

  /// Replaces the contents of `path` by `bytes`; see `AtomicFile.replace`.
  public static func writeAtomically(_ bytes: [UInt8], to path: String) throws {
    try AtomicFile.replace(path) { try $0.write(bytes, at: 0) }
  }

  /// Makes the data written to a file durable.
  public static func sync(_ descriptor: Int32, path: String) throws {
    // Pipes and some file systems do not support sync and return EINVAL. That is harmless.
    guard uninterrupted({ fsync(descriptor) }) == 0 || errno == EINVAL else {
      throw Failure(.inputOutput, "cannot be written: \(systemError())", at: path)
    }
  }

  /// Makes the directory entry of `path` durable.
  public static func syncFolder(of path: String) throws {
    let folder = folder(of: path)
    let descriptor = uninterrupted { open(folder, O_RDONLY | O_CLOEXEC) }
    // A folder that is writable but not readable cannot be opened for sync.
    guard descriptor >= 0 || errno != EACCES else { return }
    guard descriptor >= 0 else {
      throw Failure(.inputOutput, "cannot be made durable: \(systemError())", at: folder)
    }
    defer { close(descriptor) }
    try sync(descriptor, path: folder)
  }

  /// Writes all of `bytes` to an open descriptor.
  public static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let put = uninterrupted {
          Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
        }
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
