import Support

/// What was read from one file: its format, and every row that was left out with the reason.
public struct DatasetReport: Codable, Equatable, Sendable, CustomStringConvertible {
  public struct Dropped: Codable, Equatable, Sendable {
    public var line: Int
    public var reason: String
    /// Whether it could not be read; else it is of no use.
    public var isBad = false
  }

  public var name: String
  public var format: DataFormat
  /// How the rows serve a use that is not their first, e.g. comparisons as demonstrations.
  public var conversion: String?
  /// Rows in the file, dropped ones included.
  public var rows = 0
  public var dropped: [Dropped] = []
  /// Keys of rows that nothing was done with.
  public var unusedKeys = NamedRows()
  /// What was done with rows beyond what they say.
  public var remarks = NamedRows()
  /// Tokens of all sequences that become of the rows, where they were counted.
  public var tokens: Int?
  /// Tokens of the longest sequence, where they were counted.
  public var longest: Int?

  public init(name: String, format: DataFormat, conversion: String? = nil) {
    self.name = name
    self.format = format
    self.conversion = conversion
  }

  /// - Parameter isBad: whether it could not be read; else it is of no use.
  package mutating func drop(line: Int, _ reason: String, isBad: Bool = false) {
    dropped.append(Dropped(line: line, reason: reason, isBad: isBad))
  }

  /// As `droppedText`, of the rows alone that could not be read; nil where all could.
  public var badText: String? {
    var bad = self
    bad.dropped = dropped.filter(\.isBad)
    return bad.droppedText
  }

  /// How many rows were dropped for each reason, in the order of first appearance.
  public var droppedByReason: [(reason: String, rows: RowOccurrences)] {
    var groups = NamedRows()
    for row in dropped { groups.add(row.reason, row.line) }
    return groups.entries.map { ($0.name, $0.rows) }
  }

  /// `3 dropped (2: the answers are identical, lines 4, 9; 1: "prompt" is null, line 7)`; nil where none was.
  public var droppedText: String? {
    guard !dropped.isEmpty else { return nil }
    let groups = droppedByReason
    var shown = groups.prefix(5).map { "\($0.rows.count): \($0.reason), \($0.rows.places)" }
    if groups.count > 5 { shown.append("\(groups.count - 5) more reasons") }
    return "\(dropped.count) dropped (\(shown.joined(separator: "; ")))"
  }

  /// `keys not used: id, source (1800 rows)`; nil where all were.
  public var unusedText: String? {
    guard !unusedKeys.isEmpty else { return nil }
    let shown = unusedKeys.entries.prefix(8).map {
      "\"\($0.name.prefix(60))\" (\($0.rows.count) \($0.rows.count == 1 ? "row" : "rows"))"
    }
    let more = unusedKeys.entries.count - shown.count
    return "keys not used: " + shown.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }

  /// One line:
  /// `train.jsonl: hh-rlhf, 1800 rows, 1 dropped (1: the answers are identical, line 7), 4096 tokens, the longest 99`
  public var description: String {
    var text = "\(name): \(format.rawValue), \(rows) \(rows == 1 ? "row" : "rows")"
    if let droppedText { text += ", \(droppedText)" }
    if let tokens, let longest { text += ", \(tokens) tokens, the longest \(longest)" }
    if let conversion { text += "; \(conversion)" }
    for remark in remarks.entries {
      let count = remark.rows.count
      text += "; in \(count == rows ? "every row" : count == 1 ? "1 row" : "\(count) rows") \(remark.name)"
    }
    if let unusedText { text += "; \(unusedText)" }
    return text
  }
}
