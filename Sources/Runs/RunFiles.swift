import Support

/// The files of a run by name: files in a folder, or texts in memory instead.
public struct RunFiles: Sendable {
  let folder: String
  /// Contents in memory, by name; nil to read the folder.
  private let texts: [String: [UInt8]]?

  public init(folder: String, texts: [String: [UInt8]]? = nil) {
    self.folder = folder
    self.texts = texts
  }

  private func path(_ name: String) -> String { "\(folder)/\(name)" }

  func exists(_ name: String) -> Bool { texts.map { $0[name] != nil } ?? Files.exists(path(name)) }

  private func read(_ name: String) throws -> [UInt8] {
    if let texts { return texts[name] ?? [] }
    return try Files.read(path(name))
  }

  func manifest() throws -> Manifest {
    let (name, path) = (RunFile.manifest, path(RunFile.manifest))
    struct Version: Decodable { var version: Int }
    let bytes = try read(name)
    let version = try Failure.advising(RunFile.remedy(name)) {
      try JSON.decode(Version.self, from: bytes, at: path).version
    }
    guard version == Manifest.currentVersion else {
      throw Failure(
        .badData,
        "has layout version \(version), but this program reads only version \(Manifest.currentVersion)",
        at: path, remedy: "Use the program that wrote it.")
    }
    return try Failure.advising(RunFile.remedy(name)) {
      try JSON.decode(Manifest.self, from: bytes, at: path)
    }
  }

  /// The decoded content of a JSON file; nil if the file does not exist.
  func value<T: Decodable>(_ type: T.Type, _ name: String) throws -> T? {
    guard exists(name) else { return nil }
    return try Failure.advising(RunFile.remedy(name)) {
      try JSON.decode(type, from: read(name), at: path(name))
    }
  }

  /// The decoded lines of a JSONL file; empty if the file does not exist. A last line without a line end is ignored: it
  /// is incomplete.
  func lines<T: Decodable>(_ type: T.Type, _ name: String) throws -> [T] {
    guard exists(name) else { return [] }
    let bytes = try read(name)
    let whole = bytes.prefix(bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)
    let work = Work("reading \(name)", of: whole.count)
    defer { work.end() }
    return try whole.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
      .compactMap { index, line in
        defer { work.advance(by: line.count + 1) }
        guard !line.isEmpty else { return nil }
        return try Failure.advising(RunFile.remedy(name)) {
          try JSON.decode(type, from: Array(line), at: "\(path(name)), line \(index + 1)")
        }
      }
  }
}
