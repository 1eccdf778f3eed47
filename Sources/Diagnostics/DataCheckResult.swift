import Datasets
import Evaluation
import Tokenizers

/// A kind of suspicious row in a data file. The raw value is its key in JSON.
public enum DataFinding: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
  case badRows = "bad_rows"
  case overLong = "over_long"
  case emptyAnswers = "empty_answers"
  case identicalAnswers = "identical_answers"
  case tiedRankings = "tied_rankings"
  case contradictoryRanks = "contradictory_ranks"
  case duplicates
  case nearDuplicates = "near_duplicates"
  case leakedPrompts = "leaked_prompts"
  case leakedRows = "leaked_rows"
  case cutAnswers = "cut_answers"
  case answersAtLimit = "answers_at_limit"
  case specialNames = "special_token_names"
  case controlCharacters = "control_characters"
  case replacementCharacters = "replacement_characters"

  public var explanation: String {
    switch self {
    case .badRows: "cannot be read"
    case .overLong: "do not fit the context"
    case .emptyAnswers: "have an empty answer"
    case .identicalAnswers: "have identical answers"
    case .tiedRankings: "rank all answers equally"
    case .contradictoryRanks: "rank equal answers unequally"
    case .duplicates: "are duplicates of an earlier row"
    case .nearDuplicates: "differ from an earlier row only in white space or case"
    case .leakedPrompts: "have a prompt that is also in the other split"
    case .leakedRows: "have a prompt with an answer, or a document, that is also in the other split"
    case .cutAnswers: "have a long answer that ends with a letter, a comma or a hyphen"
    case .answersAtLimit: "have an answer of exactly the maximum length, as if answers were cut there"
    case .specialNames: "have a special token's name in a text; it is read as text, not as the token"
    case .controlCharacters: "have control characters"
    case .replacementCharacters: "have U+FFFD, probably from text that was not UTF-8"
    }
  }
}

/// The result of checking a data file: its contents and its suspicious rows.
public struct DataCheckResult: Encodable, Sendable {
  public typealias Occurrences = RowOccurrences

  /// A key that is not used, and the rows that have it.
  public struct UnusedKey: Encodable, Sendable {
    public let key: String
    public let rows: Occurrences
  }

  /// A note on how rows were interpreted, and the rows that it applies to.
  public struct Note: Encodable, Sendable {
    public let note: String
    public let rows: Occurrences
  }

  public struct Dropped: Encodable, Sendable {
    public let reason: String
    public fileprivate(set) var rows = Occurrences()
  }

  public struct Tokens: Encodable, Sendable {
    /// Tokens of all sequences that are trained on.
    public fileprivate(set) var total = 0
    /// Tokens with a loss, or at which a score is read.
    public fileprivate(set) var learnt = 0
    /// Tokens of the longest sequence or document, trained on or not.
    public fileprivate(set) var longest = 0
    public fileprivate(set) var longestLine = 0

    enum CodingKeys: String, CodingKey {
      case total, learnt, longest
      case longestLine = "longest_line"
    }
  }

  /// A row as training sees it.
  public struct Shown: Encodable, Sendable {
    public let line: Int
    public let sequences: [Sequence]

    public struct Sequence: Encodable, Sendable {
      /// The rank of the answer, if it was ranked.
      public let rank: Int?
      public let tokens: Int
      public let segments: [Segment]
      /// The token ids.
      public let ids: [Int32]
    }

    /// Tokens as text; special tokens are shown by name.
    public struct Segment: Encodable, Sendable {
      public let text: String
      /// Whether these tokens have a loss; in a ranked answer, whether the score is read here.
      public let learnt: Bool
      /// True for a special token's name that is part of a text (so it is text, not the token); else nil.
      public var literal: Bool?
    }
  }

  public let file: String
  public internal(set) var format: DataFormat? { didSet { content = format?.content } }
  public private(set) var content: DataFormat.Content?
  /// The model's context [tokens].
  public let context: Int
  public private(set) var rows = 0
  /// Rows that are trained on.
  public private(set) var usable = 0
  public private(set) var dropped: [Dropped] = []
  public private(set) var tokens = Tokens()
  /// The rows of every kind of finding, including kinds without rows.
  public private(set) var findings = Dictionary(
    uniqueKeysWithValues: DataFinding.allCases.map { ($0, Occurrences()) })
  public private(set) var unusedKeys: [UnusedKey] = []
  public private(set) var notes: [Note] = []
  public private(set) var examples: [Shown] = []

  private var keys = NamedRows()
  private var remarks = NamedRows()
  private var longestAnswers = LongestAnswers()

  enum CodingKeys: String, CodingKey {
    case file, format, content, context, rows, usable, dropped, tokens, findings, notes, examples
    case unusedKeys = "unused_keys"
  }

  private static let split =
    "the dialogue becomes several sequences, because the chat template changes earlier turns when the dialogue grows"

  /// Maximum number of reasons that are counted separately, because data can produce any number of different reasons.
  private static let reasons = 20

  init(file: String, context: Int) {
    self.file = file
    self.context = context
  }

  mutating func add(_ finding: DataFinding, _ line: Int) {
    findings[finding, default: Occurrences()].add(line)
  }

  /// Completes the result; called after the last row.
  mutating func finish() {
    unusedKeys = keys.entries.map { UnusedKey(key: $0.name, rows: $0.rows) }
    notes = remarks.entries.map { Note(note: $0.name, rows: $0.rows) }
    if let rows = longestAnswers.cut { findings[.answersAtLimit] = rows }
  }

  mutating func add(_ row: ExaminedRow, tokenizer: Tokenizer, _ names: SpecialNames, shown: Int) {
    rows += 1
    for key in row.unusedKeys { keys.add(key, row.line) }
    for remark in RowRemark.allCases where row.remarks.contains(remark) { remarks.add(remark.rawValue, row.line) }
    longestAnswers.add(row)
    for finding in row.findings { add(finding, row.line) }
    if row.longest > tokens.longest { (tokens.longest, tokens.longestLine) = (row.longest, row.line) }
    if let reason = row.dropped {
      drop(row.line, reason)
      return
    }
    usable += 1
    if row.isSplit { remarks.add(Self.split, row.line) }
    for masked in row.sequences {
      tokens.total += masked.sequence.tokens.count
      tokens.learnt += masked.sequence.targetCount
    }
    if examples.count < shown {
      examples.append(Shown(row, tokenizer, names))
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
