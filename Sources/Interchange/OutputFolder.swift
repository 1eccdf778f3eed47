import Glibc
import Support

/// A folder that takes its name only when all its files are whole.
enum OutputFolder {
  /// Files that an export writes, and that one may replace.
  private static let endings = [".json", ".safetensors", ".jinja", ".txt", ".model"]

  /// Makes `path` a folder with what `body` writes into the folder it is given.
  /// - Parameter replacing: whether a folder of that name may go, if nothing but a model is in it.
  /// - Throws: `Failure(.cannotCreate)`, `.inputOutput`; what was there stays then.
  static func make(_ path: String, replacing: Bool, _ body: (String) throws -> Void) throws {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let partial = "\(path).partial"
    let exists = Files.exists(path)
    if exists { try requireReplaceable(path, replacing) }
    // What a killed process left of it.
    if Files.exists(partial) { try remove(partial) }
    guard mkdir(partial, 0o755) == 0 else { throw cannotCreate(path) }
    do {
      try body(partial)
      try Files.syncFolder(of: "\(partial)/.")
      // The old folder then goes under the other's name.
      guard exists ? Files.exchange(partial, path) : rename(partial, path) == 0 else {
        throw Failure(
          .cannotCreate, "cannot be put in place: \(Files.systemError())", at: path,
          remedy: "Choose another folder.")
      }
    } catch {
      try? remove(partial)
      throw error
    }
    if exists { try remove(partial) }
    try Files.syncFolder(of: path)
  }

  /// Makes a folder beside `path` for as long as `body` runs.
  static func withTemporary<T>(beside path: String, _ body: (String) throws -> T) throws -> T {
    let folder = "\(path).parts"
    if Files.exists(folder) { try remove(folder) }
    guard mkdir(folder, 0o755) == 0 else { throw cannotCreate(path) }
    defer { try? remove(folder) }
    return try body(folder)
  }

  private static func cannotCreate(_ path: String) -> Failure {
    Failure(
      .cannotCreate, "cannot be created: \(Files.systemError())", at: path,
      remedy: "Choose a folder that exists and can be written.")
  }

  private static func requireReplaceable(_ path: String, _ replacing: Bool) throws {
    guard replacing else {
      throw Failure(
        .cannotCreate, "exists already", at: path,
        remedy: "Name another folder with -o, or replace it with --force.")
    }
    if let other = try Files.names(in: path).first(where: { name in
      !endings.contains { name.hasSuffix($0) }
    }) {
      throw Failure(
        .cannotCreate, "holds \(other), which is no file of a model", at: path,
        remedy: "Name another folder with -o.")
    }
  }

  private static func remove(_ folder: String) throws {
    for name in try Files.names(in: folder) { unlink("\(folder)/\(name)") }
    guard rmdir(folder) == 0 else {
      throw Failure(
        .inputOutput, "cannot be removed: \(Files.systemError())", at: folder,
        remedy: "Remove it, and run the same command again.")
    }
  }
}
