import CSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The temporary files and folders of this process. Those registered here are removed when a signal ends the process
/// (`Signals.endCleanly`).
package enum Temporaries {
  /// Runs a body that creates, renames or removes a file and updates the register. A signal cannot end the process
  /// between the two. Only for short bodies.
  package static func whole<Result>(_ body: () throws -> Result) rethrows -> Result {
    ts_temporaries_hold()
    defer { ts_temporaries_release() }
    return try body()
  }

  /// - Parameter path: a file, or a folder to be removed with all files in it.
  /// - Returns: whether it is now registered; if false, `errno` tells why.
  package static func add(_ path: String) -> Bool { ts_temporary_add(path) == 0 }

  package static func forget(_ path: String) { ts_temporary_forget(path) }

  /// Removes the file, or the folder with its contents, and its registration.
  package static func discard(_ path: String) { ts_temporary_discard(path) }

  /// Creates an empty file with a unique name next to `path`, passes its name to `body`, and removes it when `body`
  /// ends.
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

  /// Opens a file without a name, which disappears with its last descriptor; returns −1 if none can be created.
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
