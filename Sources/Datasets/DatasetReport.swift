import Support

/// The report on reading one file: its format, and every dropped row with the reason.
public struct DatasetReport: Codable, Equatable, Sendable, CustomStringConvertible {
  public struct Dropped: Codable, Equatable, Sendable {
    public var line: Int
    public var reason: String
    /// Whether the row could not be read; otherwise it was read but is not usable.
    public var isBad = false
  }

  public var name: String
  public var format: DataFormat
  /// How the rows are used if this is not their main use, e.g. comparisons as demonstrations.
  public var conversion: String?
  /// Number of rows in the file, including dropped ones.
  public var rows = 0
  public var dropped: [Dropped] = []
  /// Keys of rows that were not used.
  public var unusedKeys = NamedRows()
  /// Changes that the reader made to rows.
  public var remarks = NamedRows()
  /// A hash of the file's contents, in hexadecimal (`LineReader.contentHash`).
  public package(set) var contentHash: String?
  /// Total tokens of all sequences made from the rows, if counted.
  public var tokens: Int?
  /// Tokens of the longest sequence, if counted.
  public var longest: Int?

  public init(name: String, format: DataFormat, conversion: String? = nil) {
    self.name = name
    self.format = format
    self.conversion = conversion
  }

  /// - Parameter isBad: whether the row could not be read; otherwise it was read but is not usable.
  package mutating func drop(line: Int, _ reason: String, isBad: Bool = false) {
    dropped.append(Dropped(line: line, reason: reason, isBad: isBad))
  }

  /// The same as `droppedText`, only for rows that could not be read; nil if there are none.
  public var badText: String? {
    var bad = self
    bad.dropped = dropped.filter(\.isBad)
    return bad.droppedText
  }

  /// The number of dropped rows for each reason, in order of first appearance.
  public var droppedByReason: [(reason: String, rows: RowOccurrences)] {
    var groups = NamedRows()
    for row in dropped { groups.add(row.reason, row.line) }
    return groups.entries.map { ($0.name, $0.rows) }
  }

  /// `3 dropped (2: the answers are identical, lines 4, 9; 1: "prompt" is null, line 7)`; nil if no row was dropped.
  public var droppedText: String? {
    guard !dropped.isEmpty else { return nil }
    let groups = droppedByReason
    var shown = groups.prefix(5).map { "\($0.rows.count): \($0.reason), \($0.rows.places)" }
    if groups.count > 5 { shown.append("\(groups.count - 5) more reasons") }
    return "\(dropped.count) dropped (\(shown.joined(separator: "; ")))"
  }

  /// `keys not used: id, source (1800 rows)`; nil if all keys were used.
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
