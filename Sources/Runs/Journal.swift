import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file of a run to which records are appended, one line each. A record is on the disk when `append` returns.
public final class Journal<Record: Codable> {
  /// The records that the file held when it was opened.
  public let earlier: [Record]
  private let path: String
  private let descriptor: Int32

  /// Opens the file, or makes it. Drops an incomplete last line: its writer was killed.
  public init(_ folder: RunFolder, _ name: String) throws {
    path = folder.file(name)
    earlier = try folder.readLines(name)
    // Written again as a whole: after a failed sync, the system may show lines that are not on the disk.
    try folder.writeLines(earlier, to: name)
    descriptor = Files.uninterrupted { [path] in open(path, O_WRONLY | O_APPEND | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw Failure(.inputOutput, "cannot be opened: \(Files.systemError())", at: path)
    }
  }

  deinit { close(descriptor) }

  /// Adds a record and makes it durable.
  /// - Throws: `Failure(.inputOutput)`. The journal must then be opened again.
  public func append(_ record: Record) throws {
    try Files.write(JSON.encode(record) + [0x0A], to: descriptor, path: path)
    try Files.sync(descriptor, path: path)
  }
}
