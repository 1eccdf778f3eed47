import Glibc
import Support

/// Where expanded archives are kept.
public enum CacheFolder {
  /// `$XDG_CACHE_HOME/tinyrlhf`, else `~/.cache/tinyrlhf`; nil without a home.
  public static var standard: String? {
    func value(_ name: String) -> String? {
      ProcessEnvironment.variable(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    if let cache = value("XDG_CACHE_HOME") { return "\(cache)/tinyrlhf" }
    return value("HOME").map { "\($0)/.cache/tinyrlhf" }
  }

  /// Makes the folder and those above it.
  /// - Returns: whether files can be written there.
  static func prepare(_ folder: String) -> Bool {
    var path = folder.hasPrefix("/") ? "" : "."
    for part in folder.split(separator: "/") {
      path += "/\(part)"
      mkdir(path, 0o755)
    }
    return access(folder, W_OK | X_OK) == 0
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
