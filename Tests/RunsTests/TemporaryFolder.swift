import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of its own for one test, removed with the object.
final class TemporaryFolder {
  let path: String

  init() {
    var name = Array("/tmp/tinyrlhf-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&name) != nil, "mkdtemp: \(Files.systemError())")
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = try? ChildProcess.run("rm", ["-rf", path]) }

  func write(_ text: String, to name: String) throws {
    try Files.writeAtomically(Array(text.utf8), to: "\(path)/\(name)")
  }

  func read(_ name: String) throws -> String {
    String(decoding: try Files.read("\(path)/\(name)"), as: UTF8.self)
  }
}
