import Datasets
import Tokenizers

/// Something in a data file that its owner may want to know. The raw value is its key in JSON.
public enum DataFinding: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  case badRows = "bad_rows"
  case overLong = "over_long"
  case emptyAnswers = "empty_answers"
  case identicalAnswers = "identical_answers"
  case tiedRankings = "tied_rankings"
  case duplicates
  case nearDuplicates = "near_duplicates"
  case leakedPrompts = "leaked_prompts"
  case leakedRows = "leaked_rows"
  case cutAnswers = "cut_answers"
  case controlCharacters = "control_characters"
  case replacementCharacters = "replacement_characters"

  public var explanation: String {
    switch self {
    case .badRows: "cannot be read"
    case .overLong: "do not fit the context"
    case .emptyAnswers: "have an empty answer"
    case .identicalAnswers: "have identical answers"
    case .tiedRankings: "rank all answers alike"
    case .duplicates: "stood in the file before"
    case .nearDuplicates: "stood in the file before but for white space or case"
    case .leakedPrompts: "have a prompt of the other split"
    case .leakedRows: "have a prompt and an answer, or a document, of the other split"
    case .cutAnswers: "have a long answer that ends with a letter, a comma or a hyphen"
    case .controlCharacters: "have control characters"
    case .replacementCharacters: "have U+FFFD, where something was not UTF-8"
    }
  }
}

/// What a data file holds and what is odd about it.
public struct DataCheckResult: Encodable, Sendable {
  /// How many rows, and where the first of them are.
  public struct Occurrences: Encodable, Sendable {
    public private(set) var count = 0
    public private(set) var lines: [Int] = []

    mutating func add(_ line: Int) {
      count += 1
      if lines.count < 10 { lines.append(line) }
    }
  }

  public struct Dropped: Encodable, Sendable {
    public let reason: String
    public fileprivate(set) var rows = Occurrences()
  }

  public struct Tokens: Encodable, Sendable {
    /// Of all sequences that are trained on.
    public fileprivate(set) var total = 0
    /// Of those, the ones that are learnt.
    public fileprivate(set) var learnt = 0
    /// Of the longest sequence or document, trained on or not.
    public fileprivate(set) var longest = 0
    public fileprivate(set) var longestLine = 0

    enum CodingKeys: String, CodingKey {
      case total, learnt, longest
      case longestLine = "longest_line"
    }
  }

  /// A row as it is trained on.
  public struct Shown: Encodable, Sendable {
    public let line: Int
    public let sequences: [Sequence]

    public struct Sequence: Encodable, Sendable {
      /// Of an answer that was ranked.
      public let rank: Int?
      public let tokens: Int
      public let segments: [Segment]
    }

    /// Tokens as text, special ones by name.
    public struct Segment: Encodable, Sendable {
      public let text: String
      /// Whether the loss is on these tokens; of a ranked answer, whether its score is read there.
      public let learnt: Bool
    }
  }

  public let file: String
  public internal(set) var format: DataFormat? { didSet { content = format?.content } }
  public private(set) var content: DataFormat.Content?
  /// Tokens that fit.
  public let context: Int
  public private(set) var rows = 0
  /// Rows that are trained on.
  public private(set) var usable = 0
  public private(set) var dropped: [Dropped] = []
  public private(set) var tokens = Tokens()
  /// Every kind, found or not.
  public private(set) var findings = Dictionary(
    uniqueKeysWithValues: DataFinding.allCases.map { ($0, Occurrences()) })
  public private(set) var examples: [Shown] = []

  /// Different reasons that are counted apart: the data could make up new ones for ever.
  private static let reasons = 20

  init(file: String, context: Int) {
    self.file = file
    self.context = context
  }

  mutating func add(_ finding: DataFinding, _ line: Int) {
    findings[finding, default: Occurrences()].add(line)
  }

  mutating func add(_ row: ExaminedRow, tokenizer: Tokenizer, shown: Int) {
    rows += 1
    for finding in row.findings { add(finding, row.line) }
    if row.longest > tokens.longest { (tokens.longest, tokens.longestLine) = (row.longest, row.line) }
    if let reason = row.dropped {
      drop(row.line, reason)
      return
    }
    usable += 1
    for masked in row.sequences {
      tokens.total += masked.sequence.tokens.count
      tokens.learnt += masked.sequence.targetCount
    }
    if examples.count < shown {
      examples.append(Shown(row, tokenizer))
    }
  }

  private mutating func drop(_ line: Int, _ reason: String) {
    if let index = dropped.firstIndex(where: { $0.reason == reason }) {
      dropped[index].rows.add(line)
    } else if dropped.count < Self.reasons {
      dropped.append(Dropped(reason: reason))
      dropped[dropped.count - 1].rows.add(line)
    } else {
      if dropped.count == Self.reasons { dropped.append(Dropped(reason: "other reasons")) }
      dropped[Self.reasons].rows.add(line)
    }
  }
}

extension DataCheckResult.Shown {
  /// Pieces of a document that are shown; a book has thousands.
  static let pieces = 8

  init(_ row: ExaminedRow, _ tokenizer: Tokenizer) {
    line = row.line
    let isRanked = row.sequences.contains { $0.rank != nil }
    sequences = row.sequences.prefix(isRanked ? .max : Self.pieces).map { masked in
      let tokens = masked.sequence.tokens
      var (segments, end): ([Segment], Int) = ([], 0)
      func add(to next: Int, learnt: Bool) {
        defer { end = next }
        guard end < next else { return }
        let text = tokenizer.decodeString(tokens[end..<next], namingSpecialTokens: true)
        segments.append(Segment(text: text, learnt: learnt))
      }
      for span in masked.sequence.learnt {
        add(to: min(span.lowerBound, tokens.count), learnt: false)
        add(to: min(span.upperBound, tokens.count), learnt: true)
      }
      return Sequence(rank: masked.rank, tokens: tokens.count, segments: segments)
    }
  }
}
