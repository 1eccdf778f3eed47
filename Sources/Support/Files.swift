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

  /// Makes a system call again for as long as signals interrupt it; −1 is a call that failed.
  public static func uninterrupted<Value: SignedInteger>(_ call: () -> Value) -> Value {
    while true {
      let result = call()
      if result != -1 || errno != EINTR { return result }
    }
  }

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether there is something of the name that takes bytes only in order: a pipe, a terminal, a device.
  public static func isStream(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    return [S_IFIFO, S_IFCHR, S_IFSOCK].contains(status.st_mode & S_IFMT)
  }

  /// Where a symbolic link leads in the end; `path` itself if it is none, or leads nowhere.
  static func target(of path: String) -> String {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let real = realpath(path, nil)
    else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  /// The folder that `path` lies in.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Makes a folder, where there is none of the name.
  /// - Throws: `Failure(.cannotCreate)` naming the folder.
  public static func makeFolder(_ path: String) throws {
    guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    throw Failure(.cannotCreate, "cannot be made: \(systemError())", at: path, remedy: "Choose another place.")
  }

  /// The names in a folder, sorted.
  /// - Throws: `Failure(.inputOutput)` naming the folder, also where it cannot be read to its end.
  public static func names(in folder: String) throws -> [String] {
    guard let directory = opendir(folder) else {
      throw Failure(.inputOutput, "cannot be read: \(systemError())", at: folder)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while true {
      errno = 0  // the one way to tell a failure from the folder's end
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

  /// Opens a file and waits until no other process has it locked; −1 where it cannot be opened.
  ///
  /// The file bears the name `path` when this returns: who held the lock may have renamed it, or
  /// another to its name. Where locks do not exist there is nobody to take turns with.
  public static func openLocked(_ path: String, _ flags: Int32) -> Int32 {
    while true {
      let descriptor = uninterrupted { open(path, flags | O_CLOEXEC, 0o644) }
      guard descriptor >= 0 else { return descriptor }
      _ = uninterrupted { flock(descriptor, LOCK_EX) }
      if isSame(descriptor, path) { return descriptor }
      close(descriptor)
    }
  }

  /// Gives two files or folders each other's name in one step; false and `errno` where that fails.
  public static func exchange(_ a: String, _ b: String) -> Bool { ts_exchange(a, b) == 0 }

  /// Whether an open file still bears the name `path`.
  public static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
    var opened = stat()
    var named = stat()
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
      && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }

  /// Opens a regular file to be read; nobody waits for the other end of a pipe.
  /// - Returns: the descriptor, which the caller closes, and the file's bytes.
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
  /// - Parameter limit: the most bytes that it may have; a longer one is not read at all.
  /// - Throws: `Failure(.inputOutput)` naming the path, `.badData` for a file over the limit.
  public static func read(_ path: String, limit: Int = .max) throws -> [UInt8] {
    let (descriptor, count) = try openRegular(path)
    defer { close(descriptor) }
    guard count <= limit else {
      throw Failure(
        .badData, "has \(count) bytes, over the \(limit) that such a file may have", at: path,
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

  /// What a file of the kernel's says, whose size cannot be asked for: its first 64 kB; nil where there is none.
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

  /// Replaces `path` by `bytes`, as `AtomicFile.replace`.
  public static func writeAtomically(_ bytes: [UInt8], to path: String) throws {
    try AtomicFile.replace(path) { try $0.write(bytes, at: 0) }
  }

  /// Makes what was written to a file durable.
  public static func sync(_ descriptor: Int32, path: String) throws {
    // Pipes and some file systems do not sync; EINVAL says so and is no loss.
    guard uninterrupted({ fsync(descriptor) }) == 0 || errno == EINVAL else {
      throw Failure(.inputOutput, "cannot be written: \(systemError())", at: path)
    }
  }

  /// Makes the directory entry of `path` durable.
  public static func syncFolder(of path: String) throws {
    let folder = folder(of: path)
    let descriptor = uninterrupted { open(folder, O_RDONLY | O_CLOEXEC) }
    // A folder that may be written but not read cannot be opened to be synced.
    guard descriptor >= 0 || errno != EACCES else { return }
    guard descriptor >= 0 else {
      throw Failure(.inputOutput, "cannot be synced: \(systemError())", at: folder)
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
