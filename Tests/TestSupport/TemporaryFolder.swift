import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder of its own for one test, removed with the object.
public final class TemporaryFolder {
  public let path: String

  public init() {
    var name = Array("/tmp/tinyrlhf-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&name) != nil, "mkdtemp: \(Files.systemError())")
    path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { _ = try? ChildProcess.run("rm", ["-rf", path]) }

  public func file(_ name: String) -> String { "\(path)/\(name)" }

  public func write(_ bytes: [UInt8], to name: String) throws {
    try Files.writeAtomically(bytes, to: file(name))
  }

  public func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

  public func read(_ name: String) throws -> String {
    String(decoding: try Files.read(file(name)), as: UTF8.self)
  }

  /// Cuts a file short, or lengthens it by zeros that take no room.
  public func resize(_ name: String, to bytes: Int) throws {
    precondition(truncate(file(name), off_t(bytes)) == 0, "truncate: \(Files.systemError())")
  }
}
