import Models
import Datasets
import Dialogues
import Inference
import Stages
import Support
import Tokenizers
import Training

/// Checks a data file as the stage that trains on it would read it: comparisons as for the reward model,
/// demonstrations as for SFT, prompts as for PPO, documents as for pretraining.
///
/// It reads the file once. Memory holds some megabytes of rows and hashes of all earlier rows: 21 to 43 bytes per row
/// (`SeenRows`), and 11 to 21 bytes for each prompt and each answer of the other split.
public struct DataCheck: Sendable {
  /// Another split, which should share no row with the files.
  public struct Other: Sendable {
    public let file: String
    public let format: DataFormat
    public let rows: Int
    let split: OtherSplit
  }

  private let tokenizer: Tokenizer
  private let fit: ContextFit
  private let names: SpecialNames
  private let responseLength: Int
  private let threads: Int

  /// Bytes of rows that are checked together.
  private static let batch = 1 << 20

  /// - Parameter model: its tokenizer and context are used.
  public init(_ model: Model, threads: Int) {
    self.init(model.tokenizer, context: model.architecture.context, threads: threads)
  }

  init(_ tokenizer: Tokenizer, context: Int, threads: Int) {
    self.tokenizer = tokenizer
    fit = ContextFit(context)
    names = SpecialNames(tokenizer)
    responseLength = Settings().count(.responseLength)
    self.threads = threads
  }

  /// Reads another split and stores hashes of its rows.
  /// - Throws: like `check`.
  public func other(_ path: String) throws -> Other {
    var (split, rows) = (OtherSplit(), 0)
    let format = try forEachRow(of: path) { row, _ in
      (try? row.example.get()).map(RowFingerprint.init)
    } take: { (fingerprint: RowFingerprint?) in
      rows += 1
      if let fingerprint { split.add(fingerprint) }
    }
    return Other(file: path, format: format, rows: rows, split: split)
  }

  /// Checks a file.
  /// - Parameters:
  ///   - path: a file, compressed or not, or `-` for standard input.
  ///   - shown: how many rows to show.
  /// - Throws: `Failure(.badData)` if no row can be read, or if reading fails.
  public func check(_ path: String, against other: Other?, shown: Int) throws -> DataCheckResult {
    var result = DataCheckResult(file: path, context: fit.context)
    var seen = SeenRows()
    let format = try forEachRow(of: path, examine) { row in
      result.add(row, tokenizer: tokenizer, names, shown: shown)
      guard let fingerprint = row.fingerprint else { return }
      switch seen.add(fingerprint) {
      case .new: break
      case .near: result.add(.nearDuplicates, row.line)
      case .duplicate: result.add(.duplicates, row.line)
      }
      guard let split = other?.split else { return }
      if split.hasPrompt(of: fingerprint) { result.add(.leakedPrompts, row.line) }
      if split.hasAnswer(of: fingerprint) { result.add(.leakedRows, row.line) }
    }
    result.format = format
    result.finish()
    return result
  }

  /// Calls `body` for the rows of a file, in batches on several threads, and `take` for the results, in order.
  private func forEachRow<Value>(
    of path: String, _ body: @escaping @Sendable (RowReader.Row, DataFormat) -> Value,
    take: (Value) -> Void
  ) throws -> DataFormat {
    let reader = try RowReader(path: path)
    var early: [RowReader.Row] = []
    var problem: (any Error)?
    while reader.format == nil, let row = try reader.next() {
      if case .failure(let error) = row.example, problem == nil { problem = error }
      early.append(row)
      // A file whose first 1,000 rows have no known format is not a data file.
      if early.count == 1_000 { break }
    }
    guard let format = reader.format else {
      throw problem
        ?? Failure(
          .badData, "there is no row", at: reader.name, remedy: "Give one JSON object a line.")
    }
    for row in early { take(body(row, format)) }
    let name = reader.name
    while true {
      var (sources, bytes): ([RowReader.Source], Int) = ([], 0)
      while bytes < Self.batch, let source = try reader.nextSource() {
        sources.append(source)
        bytes += source.count
      }
      if sources.isEmpty { return format }
      let batch = sources
      let values = try Parallel.map(batch.count, threads: threads) { index in
        body(RowReader.parse(batch[index], format, of: name), format)
      }
      values.forEach(take)
    }
  }

  /// Checks a row without the other rows.
  private func examine(_ row: RowReader.Row, _ format: DataFormat) -> ExaminedRow {
    var result = ExaminedRow(line: row.line)
    result.unusedKeys = row.unusedKeys
    result.remarks = row.remarks
    do {
      let example = try row.example.get()
      result.fingerprint = RowFingerprint(example)
      result.findings = oddities(of: example)
      result.answerLengths = answerLengths(of: example)
      let use = try example.firstUse(format)
      result.unusedKeys += use.unread(by: tokenizer)
      let sequences = try sequences(use)
      result.longest = sequences.longest
      if sequences.fit {
        result.sequences = sequences.all
        if case .demonstration = use { result.isSplit = sequences.all.count > 1 }
      } else {
        result.findings.append(.overLong)
        result.dropped = "over \(sequences.limit) tokens"
      }
    } catch let unusable as Unusable {
      result.dropped = unusable.reason
      switch unusable {
      case .tied: result.findings.append(.tiedRankings)
      case .identical: result.findings.append(.identicalAnswers)
      default: break
      }
    } catch {
      result.dropped = (error as? Failure)?.kindOfProblem ?? "\(error)"
      result.findings = [.badRows]
    }
    return result
  }

  private func oddities(of example: Example) -> [DataFinding] {
    var findings: [DataFinding] = []
    let answers = example.answers
    let texts = (example.prompt?.turns ?? []).map(\.content) + answers
    let flaws = texts.reduce(into: TextFlaws()) { $0.formUnion(TextFlaws($1)) }
    if flaws.contains(.controls) { findings.append(.controlCharacters) }
    if flaws.contains(.replacements) { findings.append(.replacementCharacters) }
    if texts.contains(where: names.occur) { findings.append(.specialNames) }
    if case .comparison(let comparison) = example, comparison.contradictsItself {
      findings.append(.contradictoryRanks)
    }
    if answers.contains(where: \.isBlank) { findings.append(.emptyAnswers) }
    if case .document = example { return findings }
    if answers.contains(where: \.seemsCut) { findings.append(.cutAnswers) }
    return findings
  }

  /// Tokens of each answer, to detect whether many answers were cut at the same length.
  private func answerLengths(of example: Example) -> [Int] {
    if case .document = example { return [] }
    return example.answers.map { tokenizer.encode($0).count }
  }

  /// The training sequences of a row, the length of the longest [tokens] (for a document, which is split, the sum of
  /// all), whether they fit, and the limit [tokens].
  private func sequences(
    _ example: Example
  ) throws -> (all: [MaskedSequence], longest: Int, fit: Bool, limit: Int) {
    let context = fit.context
    switch example {
    case .comparison(let comparison):
      let ranked = RankedSequences(try Tokenized(comparison, tokenizer))
      let all = zip(ranked.sequences, ranked.ranks).map { tokens, rank in
        MaskedSequence(
          rank: rank,
          sequence: TrainingSequence(
            tokens: tokens, learnFrom: RankedSequences.scoredRows(of: tokens).lowerBound))
      }
      return (all, ranked.sequences.map(\.count).max() ?? 0, fit.fits(ranked), context)
    case .demonstration(let demonstration):
      let sequences = try Tokenized(demonstration, tokenizer).sequences
      return (
        sequences.map { MaskedSequence(sequence: $0) }, sequences.map(\.tokens.count).max() ?? 0,
        fit.fits(sequences), context
      )
    case .prompt(let prompt), .refutedAnswer(let prompt):
      let tokens = try tokenizer.encode(prompt: prompt)
      // The answer does not exist yet, and the prompt has no loss.
      let masked = MaskedSequence(
        sequence: TrainingSequence(tokens: tokens, learnFrom: tokens.count))
      return (
        [masked], tokens.count, fit.fits(tokens, responseLength: responseLength),
        context - responseLength
      )
    case .document(let text):
      let pieces = fit.pieces(tokenizer.encode(document: text)).map {
        MaskedSequence(sequence: TrainingSequence(tokens: Array($0)))
      }
      return (pieces, pieces.reduce(0) { $0 + $1.sequence.tokens.count }, true, context)
    }
  }
}

/// A sequence with its loss mask: tokens in `sequence.learnt` have a loss. For a ranked answer, that is where its score
/// is read.
struct MaskedSequence: Sendable {
  var rank: Int?
  var sequence: TrainingSequence
}

/// The result of checking a row without the other rows.
struct ExaminedRow: Sendable {
  let line: Int
  var fingerprint: RowFingerprint?
  var findings: [DataFinding] = []
  /// Keys of the row that are not used.
  var unusedKeys: [String] = []
  var remarks: Set<RowRemark> = []
  /// Tokens of each answer.
  var answerLengths: [Int] = []
  /// The reason why the row is not trained on; nil if it is.
  var dropped: String?
  /// Tokens of the longest sequence, trained on or not; for a document, all its tokens.
  var longest = 0
  /// The sequences that are trained on.
  var sequences: [MaskedSequence] = []
  /// Whether a dialogue was split into several sequences.
  var isSplit = false
}
