/// The memory that this process can still allocate.
public struct AvailableMemory: Equatable, Sendable {
  /// What sets the limit.
  public enum Limit: String, Codable, Sendable {
    case machine
    /// The process's control group, or one of its parent groups.
    case controlGroup = "control group"
  }

  public var bytes: Int
  public var limit: Limit

  public init(bytes: Int, limit: Limit) {
    self.bytes = bytes
    self.limit = limit
  }

  /// The kernel's current figure; nil if the kernel gives none.
  /// - Parameter root: a prefix for `/proc` and `/sys`.
  public static func now(root: String = "") -> AvailableMemory? {
    var found = Files.unsized("\(root)/proc/meminfo").flatMap { KernelText($0).bytes("MemAvailable:") }
      .map { AvailableMemory(bytes: $0, limit: .machine) }
    for folder in groups(root) {
      guard let room = room(folder), room < found?.bytes ?? .max else { continue }
      found = AvailableMemory(bytes: room, limit: .controlGroup)
    }
    return found
  }

  /// The folders of the process's memory control groups, from the outermost to the innermost. In a container, the
  /// kernel gives the names outside it, and the container's own group is the outermost folder.
  private static func groups(_ root: String) -> [String] {
    let lines = String(decoding: Files.unsized("\(root)/proc/self/cgroup") ?? [], as: UTF8.self).split(separator: "\n")
    return lines.flatMap { line -> [String] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let isSecond = parts[0] == "0" && parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { return [] }
      var folder = "\(root)/sys/fs/cgroup" + (isSecond ? "" : "/memory")
      var folders = [folder]
      for name in parts[2].split(separator: "/") {
        folder += "/\(name)"
        folders.append(folder)
      }
      return folders
    }
  }

  /// The memory that a group may still take: its limit minus its usage. Inactive file pages do not count as usage,
  /// because the kernel can drop them.
  private static func room(_ folder: String) -> Int? {
    func number(_ names: String...) -> Int? {
      names.lazy.compactMap { Files.unsized("\(folder)/\($0)") }.first.flatMap { text in
        Int(String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self))
      }
    }
    guard let limit = number("memory.max", "memory.limit_in_bytes"),
      let used = number("memory.current", "memory.usage_in_bytes")
    else { return nil }
    let statistics = Files.unsized("\(folder)/memory.stat").map(KernelText.init)
    let files = statistics?.number("total_inactive_file") ?? statistics?.number("inactive_file") ?? 0
    return max(0, limit.adding(atMost: -max(0, used.adding(atMost: -files))))
  }
}
