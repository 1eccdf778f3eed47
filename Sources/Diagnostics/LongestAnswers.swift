import Datasets

/// The answers of the longest length: many of them were cut there.
struct LongestAnswers: Sendable {
  private var tokens = 0
  private var answers = 0
  private var rows = RowOccurrences()
  private var all = 0

  /// Fewer answers are equally long by chance, and short ones by nature.
  private static let (fewest, share, shortest) = (5, 0.02, 16)

  mutating func add(_ row: ExaminedRow) {
    all += row.answerLengths.count
    guard let longest = row.answerLengths.max(), longest >= tokens else { return }
    if longest > tokens { (tokens, answers, rows) = (longest, 0, RowOccurrences()) }
    answers += row.answerLengths.count { $0 == longest }
    rows.add(row.line)
  }

  /// The rows with such an answer; nil where answers do not seem to be cut.
  var cut: RowOccurrences? {
    tokens >= Self.shortest && answers >= Self.fewest && Double(answers) >= Self.share * Double(all) ? rows : nil
  }
}
