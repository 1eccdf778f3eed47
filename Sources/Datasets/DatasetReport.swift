import Support

/// What was read from one file: its format, and every row that was left out with the reason.
public struct DatasetReport: Codable, Equatable, Sendable, CustomStringConvertible {
  public struct Dropped: Codable, Equatable, Sendable {
    public var line: Int
    public var reason: String
  }

  public var name: String
  public var format: DataFormat
  /// How the rows serve a use that is not their first, e.g. comparisons as demonstrations.
  public var conversion: String?
  /// Rows in the file, dropped ones included.
  public var rows = 0
  public var dropped: [Dropped] = []
  /// Tokens of all sequences that become of the rows, where they were counted.
  public var tokens: Int?
  /// Tokens of the longest sequence, where they were counted.
  public var longest: Int?

  public init(name: String, format: DataFormat, conversion: String? = nil) {
    self.name = name
    self.format = format
    self.conversion = conversion
  }

  public mutating func drop(line: Int, _ reason: String) {
    dropped.append(Dropped(line: line, reason: reason))
  }

  /// How many rows were dropped for each reason, in the order of first appearance.
  public var droppedByReason: [(reason: String, count: Int)] {
    var groups: [(reason: String, count: Int)] = []
    for row in dropped {
      if let index = groups.firstIndex(where: { $0.reason == row.reason }) {
        groups[index].count += 1
      } else {
        groups.append((row.reason, 1))
      }
    }
    return groups
  }

  /// One line:
  /// `train.jsonl: hh-rlhf, 1800 rows, 3 dropped (3: the answers are identical), 4096 tokens, the longest 99`
  public var description: String {
    var text = "\(name): \(format.rawValue), \(rows) \(rows == 1 ? "row" : "rows")"
    if !dropped.isEmpty {
      let shown = droppedByReason.prefix(5).map { "\($0.count): \($0.reason)" }
      text += ", \(dropped.count) dropped (\(shown.joined(separator: "; ")))"
    }
    if let tokens, let longest { text += ", \(tokens) tokens, the longest \(longest)" }
    if let conversion { text += "; \(conversion)" }
    return text
  }
}
