import Datasets
import Diagnostics
import Stages
import Support

extension DataCheckResult {
  /// The result as text for people: counts, findings, and the first rows with their loss mask.
  func text(_ terminal: Terminal) -> String {
    let form = format.map { "\($0.rawValue) (\($0.content))" } ?? ""
    var lines = [
      terminal.paint(Terminal.harmless(file), .bold)
        + ": \(form), \(rows) \(rows == 1 ? "row" : "rows"), \(usable) usable"
    ]
    let learnt = content == .comparisons ? "the score is read at" : "the loss is on"
    lines.append(
      "  tokens: \(tokens.total), \(learnt) \(tokens.learnt) of them; the longest row has "
        + "\(tokens.longest) (line \(tokens.longestLine)), the context \(context)")
    for group in dropped {
      lines.append(
        "  dropped: \(group.rows.count), because \(Terminal.harmless(group.reason))"
          + group.rows.inBrackets)
    }
    for key in unusedKeys {
      lines.append(
        "  not used: the key \"\(Terminal.harmless(String(key.key.prefix(80))))\" of \(key.rows.count) "
          + (key.rows.count == 1 ? "row" : "rows") + key.rows.inBrackets)
    }
    for note in notes { lines.append("  in \(note.rows.count) of the rows \(note.note)" + note.rows.inBrackets) }
    for finding in DataFinding.allCases {
      guard let rows = findings[finding], rows.count > 0 else { continue }
      let verb = "\(rows.count) \(rows.count == 1 ? "row" : "rows"): \(finding.explanation)"
      lines.append("  " + terminal.paint("found: ", .yellow) + verb + rows.inBrackets)
    }
    if findings.values.allSatisfy({ $0.count == 0 }) { lines.append("  found: nothing") }
    for example in examples { lines += example.lines(terminal, isDocument: content == .documents) }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension DataCheckResult.Occurrences {
  /// ` (lines 3, 7, …)`
  fileprivate var inBrackets: String { " (\(places))" }
}

extension DataCheckResult.Shown {
  /// How many token ids of a sequence are shown.
  private static let shownIDs = 200

  /// - Parameter isDocument: whether the sequences are pieces of a document; then only the first is shown.
  fileprivate func lines(_ terminal: Terminal, isDocument: Bool) -> [String] {
    var lines: [String] = []
    for (number, sequence) in sequences.enumerated() {
      let rank = sequence.rank.map { ", ranked \($0)" } ?? ""
      let part =
        sequence.rank == nil && sequences.count > 1 ? ", \(isDocument ? "piece" : "sequence") \(number + 1)" : ""
      lines.append("")
      lines.append(
        "  " + terminal.paint("line \(line)\(rank)\(part), \(sequence.tokens) tokens", .dim))
      let shown = sequence.segments.map { $0.shown(terminal) }.joined()
      lines.append(shown)
      let ids = sequence.ids.prefix(Self.shownIDs).map(String.init).joined(separator: " ")
      let left = sequence.ids.count - Self.shownIDs
      lines.append("  " + terminal.paint("tokens: \(ids)\(left > 0 ? " and \(left) more" : "")", .dim))
      if isDocument { break }
    }
    return lines
  }
}

extension DataCheckResult.Shown.Segment {
  /// How many characters are shown at the beginning and at the end of a long segment.
  private static let shown = 600

  fileprivate func shown(_ terminal: Terminal) -> String {
    var text = Terminal.harmless(text, keepingLines: true)
    if literal == true { text = "‹\(text)›" }
    if text.count > 2 * Self.shown {
      let left = text.count - 2 * Self.shown
      text = "\(text.prefix(Self.shown)) […\(left) characters…] \(text.suffix(Self.shown))"
    }
    guard learnt else { return text }
    return terminal.colour ? terminal.paint(text, .green) : "⟦\(text)⟧"
  }
}
