import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Files and folders that the process has begun. Those that are known here are removed when a signal ends
/// the process (`Signals.endCleanly`).
package enum Temporaries {
  /// Runs what makes, names or removes a file together with what says so here: no signal ends the process
  /// between the two. For moments only.
  package static func whole<Result>(_ body: () throws -> Result) rethrows -> Result {
    ts_temporaries_hold()
    defer { ts_temporaries_release() }
    return try body()
  }

  /// - Parameter path: of a file, or of a folder that goes with all files in it.
  /// - Returns: whether it is known from now on; false and `errno` otherwise.
  package static func add(_ path: String) -> Bool { ts_temporary_add(path) == 0 }

  package static func forget(_ path: String) { ts_temporary_forget(path) }

  /// Removes what is known under this name, a folder with all that is in it, and forgets it.
  package static func discard(_ path: String) { ts_temporary_discard(path) }

  /// Makes an empty file beside `path`, whose name no other file has, and lends its name; it goes when `body` ends.
  package static func withFile<Result>(beside path: String, _ kind: String, _ body: (String) throws -> Result)
    throws -> Result
  {
    var name = Array("\(Files.target(of: path)).\(kind)-XXXXXX".utf8CString)
    let temporary = try whole {
      let descriptor = mkstemp(&name)
      guard descriptor >= 0 else { throw AtomicFile.cannotCreate(path) }
      close(descriptor)
      let temporary = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      guard add(temporary) else {
        let failure = AtomicFile.cannotCreate(path)
        unlink(temporary)
        throw failure
      }
      return temporary
    }
    defer { discard(temporary) }
    return try body(temporary)
  }

  /// Opens a file without a name, which goes with its last descriptor; −1 where none can be made.
  package static func openNameless() -> Int32 {
    for folder in [ProcessEnvironment.variable("TMPDIR"), "/tmp", "/dev/shm", "."].compactMap({ $0 }) {
      var name = Array("\(folder)/tinyrlhf-XXXXXX".utf8CString)
      let descriptor = whole {
        let descriptor = mkstemp(&name)
        if descriptor >= 0 { unlink(name) }
        return descriptor
      }
      guard descriptor >= 0 else { continue }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      return descriptor
    }
    return -1
  }
}
