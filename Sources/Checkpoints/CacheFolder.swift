import Glibc
import Support

/// Where expanded archives are kept, each under the hash of its archive's bytes: `0123456789abcdef.trlhf`.
///
/// The folder stays below its limit: the files that were not used for longest go first.
public struct CacheFolder: Sendable {
  /// An expansion.
  public struct File: Sendable {
    public let path: String
    public let bytes: Int
    /// When it was last used, in seconds since 1970.
    public let used: Int

    /// Keeps it from being the next that is removed. A folder that cannot be written keeps its order.
    func markUsed() { utimes(path, nil) }
  }

  public let path: String
  /// The largest number of bytes that its files have together.
  public let limit: Int

  /// The name of the environment's variable that sets the limit.
  public static let limitVariable = "TINYRLHF_CACHE_LIMIT"
  /// 10 GB.
  public static let standardLimit = 10_000_000_000

  /// `$XDG_CACHE_HOME/tinyrlhf`, else `~/.cache/tinyrlhf`; nil without a home.
  public static var standardPath: String? {
    func value(_ name: String) -> String? {
      ProcessEnvironment.variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    if let cache = value("XDG_CACHE_HOME") { return "\(cache)/tinyrlhf" }
    return value("HOME").map { "\($0)/.cache/tinyrlhf" }
  }

  /// - Parameters:
  ///   - path: nil for `standardPath`.
  ///   - limit: nil for what the environment says, else `standardLimit`.
  /// - Returns: nil without a home.
  /// - Throws: `Failure(.usage)` for a limit in the environment that is no number of bytes.
  public init?(_ path: String? = nil, limit: Int? = nil) throws {
    guard let path = path ?? Self.standardPath else { return nil }
    self.path = path
    self.limit = try limit ?? Self.environmentLimit() ?? Self.standardLimit
  }

  private static func environmentLimit() throws -> Int? {
    guard let text = ProcessEnvironment.variable(limitVariable), !text.isEmpty else { return nil }
    guard let bytes = Int(text), bytes >= 0 else {
      throw Failure(
        .usage, "\"\(text)\" is not a number of bytes", at: "the environment variable \(limitVariable)",
        remedy: "Write for instance 2000000000 for 2 GB, or 0 for no cache.")
    }
    return bytes
  }

  /// The expansions that lie there, the one that was used last at the end.
  /// - Throws: `Failure(.inputOutput)` for a folder that cannot be read.
  public func files() throws -> [File] {
    guard Files.exists(path) else { return [] }
    return try Files.names(in: path).filter(Self.isExpansion).compactMap { name -> File? in
      var status = stat()
      guard lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return File(path: "\(path)/\(name)", bytes: Int(status.st_size), used: status.st_mtim.tv_sec)
    }.sorted { ($0.used, $0.path) < ($1.used, $1.path) }
  }

  /// Removes all expansions, those in use included: whoever has mapped one keeps it until its end.
  /// - Returns: what was removed.
  /// - Throws: `Failure(.inputOutput)` for a file that cannot be removed.
  public func clear() throws -> [File] {
    let files = try files()
    for file in files where unlink(file.path) != 0 && errno != ENOENT {
      throw Failure(
        .inputOutput, "cannot be removed: \(Files.systemError())", at: file.path,
        remedy: "Check the permissions of the folder.")
    }
    return files
  }

  /// Where an expansion lies or will lie; nil where it finds no place: it is larger than the limit, or the folder
  /// cannot be written or has no room.
  func file(_ expansion: Expansion) -> File? {
    let name = Hexadecimal.text(expansion.archiveHash) + Self.suffix
    let file = File(path: "\(path)/\(name)", bytes: expansion.fileBytes, used: 0)
    if limit > 0, Files.exists(file.path) { return file }
    guard expansion.fileBytes <= limit, prepare() else { return nil }
    // A folder that cannot be listed has none of our files.
    if let files = try? files() { makeRoom(for: expansion.fileBytes, among: files) }
    return Self.hasRoom(for: expansion.fileBytes, in: path) ? file : nil
  }

  private func makeRoom(for count: Int, among files: [File]) {
    var files = files
    var held = files.reduce(0) { $0 + $1.bytes }
    while held > limit - count, !files.isEmpty {
      let oldest = files.removeFirst()
      // A file that another process has removed before is gone as well.
      unlink(oldest.path)
      held -= oldest.bytes
    }
  }

  private static let suffix = ".trlhf"

  /// Names of other forms are not ours to remove. `.partial` is what a killed process left.
  private static func isExpansion(_ name: String) -> Bool {
    let digits = name.prefix(16)
    let rest = name.dropFirst(16)
    return digits.utf8.count == 16 && digits.allSatisfy { $0.isHexDigit } && (rest == suffix || rest == suffix + ".partial")
  }

  /// Makes the folder and those above it.
  /// - Returns: whether files can be written there.
  private func prepare() -> Bool {
    var folder = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      folder += "/\(part)"
      mkdir(folder, 0o755)
    }
    return access(path, W_OK | X_OK) == 0
  }

  /// Whether the folder's file system has room for `count` more bytes; true where it cannot tell.
  static func hasRoom(for count: Int, in folder: String) -> Bool {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return true }
    let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow || UInt64(count) <= free
  }
}
