import Glibc
import Support

/// The cache folder of expanded archives. Each file is named by the hash of its archive's bytes:
/// `0123456789abcdef.trlhf`.
///
/// The folder stays below its size limit: the least recently used files are removed first.
public struct CacheFolder: Sendable {
  /// A file in the cache: the expansion of one archive.
  public struct File: Sendable {
    public let path: String
    public let bytes: Int
    /// The last use, in seconds since 1970.
    public let used: Int

    /// Marks the file as just used, so that it is not the next to be removed. In a read-only folder this has no effect.
    func markUsed() { utimes(path, nil) }
  }

  public let path: String
  /// The limit for the total size of its files, in bytes.
  public let limit: Int

  /// The environment variable that sets the limit.
  public static let limitVariable = "TINYRLHF_CACHE_LIMIT"
  /// 10 GB.
  public static let standardLimit = 10_000_000_000

  /// `$XDG_CACHE_HOME/tinyrlhf`, else `~/.cache/tinyrlhf`; nil without a home folder.
  public static var standardPath: String? {
    func value(_ name: String) -> String? {
      ProcessEnvironment.variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    if let cache = value("XDG_CACHE_HOME") { return "\(cache)/tinyrlhf" }
    return value("HOME").map { "\($0)/.cache/tinyrlhf" }
  }

  /// - Parameters:
  ///   - path: the folder; nil for `standardPath`.
  ///   - limit: the limit in bytes; nil for the environment variable, else `standardLimit`.
  /// - Returns: nil without a home folder.
  /// - Throws: `Failure(.usage)` if the environment variable is not a number of bytes.
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
        remedy: "Write, for example, 2000000000 for 2 GB, or 0 for no cache.")
    }
    return bytes
  }

  /// The expansions in the folder, least recently used first.
  /// - Throws: `Failure(.inputOutput)` if the folder cannot be read.
  public func files() throws -> [File] {
    guard Files.exists(path) else { return [] }
    return try Files.names(in: path).filter(Self.isExpansion).compactMap { name -> File? in
      var status = stat()
      guard lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
      return File(path: "\(path)/\(name)", bytes: Int(status.st_size), used: status.st_mtim.tv_sec)
    }.sorted { ($0.used, $0.path) < ($1.used, $1.path) }
  }

  /// Removes all expansions. A process that has mapped one can still use it until it ends.
  /// - Returns: the removed files.
  /// - Throws: `Failure(.inputOutput)` if a file cannot be removed.
  public func clear() throws -> [File] {
    let files = try files()
    for file in files where unlink(file.path) != 0 && errno != ENOENT {
      throw Failure(
        .inputOutput, "cannot be removed: \(Files.systemError())", at: file.path,
        remedy: "Check the permissions of the folder.")
    }
    return files
  }

  /// The file for an expansion, which may not exist yet. Returns nil if the expansion is larger than the limit, or if
  /// the folder is not writable or its disk is full.
  func file(_ expansion: Expansion) -> File? {
    let name = Hexadecimal.text(expansion.archiveHash) + Self.suffix
    let file = File(path: "\(path)/\(name)", bytes: expansion.fileBytes, used: 0)
    if limit > 0, Files.exists(file.path) { return file }
    guard expansion.fileBytes <= limit, prepare() else { return nil }
    // If the folder cannot be listed, there is nothing to remove.
    if let files = try? files() { makeRoom(for: expansion.fileBytes, among: files) }
    return Self.hasRoom(for: expansion.fileBytes, in: path) ? file : nil
  }

  private func makeRoom(for count: Int, among files: [File]) {
    var files = files
    var held = files.reduce(0) { $0 + $1.bytes }
    while held > limit - count, !files.isEmpty {
      let oldest = files.removeFirst()
      // If another process has removed the file already, its space is free too.
      unlink(oldest.path)
      held -= oldest.bytes
    }
  }

  private static let suffix = ".trlhf"

  /// Whether the cache made a file of this name; other files are never removed. A killed process leaves `.partial`
  /// files.
  private static func isExpansion(_ name: String) -> Bool {
    let digits = name.prefix(16)
    let rest = name.dropFirst(16)
    return digits.utf8.count == 16 && digits.allSatisfy { $0.isHexDigit } && (rest == suffix || rest == suffix + ".partial")
  }

  /// Creates the folder and its parents.
  /// - Returns: whether files can be created in it.
  private func prepare() -> Bool {
    var folder = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      folder += "/\(part)"
      mkdir(folder, 0o755)
    }
    return access(path, W_OK | X_OK) == 0
  }

  /// Whether the file system has room for `count` more bytes; true if the free space is unknown.
  static func hasRoom(for count: Int, in folder: String) -> Bool {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return true }
    let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(
      by: UInt64(status.f_frsize))
    return overflow || UInt64(count) <= free
  }
}
