import Datasets

/// Counts the answers of the maximum length. If there are many, they were probably cut there.
struct LongestAnswers: Sendable {
  private var tokens = 0
  private var answers = 0
  private var rows = RowOccurrences()
  private var all = 0

  /// Minimum number of such answers, minimum share of all answers, and minimum length [tokens]. Fewer answers can be
  /// equally long by chance, and short answers often are.
  private static let (fewest, share, shortest) = (5, 0.02, 16)

  mutating func add(_ row: ExaminedRow) {
    all += row.answerLengths.count
    guard let longest = row.answerLengths.max(), longest >= tokens else { return }
    if longest > tokens { (tokens, answers, rows) = (longest, 0, RowOccurrences()) }
    answers += row.answerLengths.count { $0 == longest }
    rows.add(row.line)
  }

  /// The rows with an answer of the maximum length; nil if answers do not seem to be cut.
  var cut: RowOccurrences? {
    tokens >= Self.shortest && answers >= Self.fewest && Double(answers) >= Self.share * Double(all) ? rows : nil
  }
}
