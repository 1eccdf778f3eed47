import Support
import Tokenizers

/// The records of a file and the report on reading them.
public struct Dataset<Record: Sendable>: Sendable {
  public private(set) var records: [Record] = []
  /// The line where each record begins.
  public private(set) var lines: [Int] = []
  public internal(set) var report: DatasetReport

  init(report: DatasetReport) { self.report = report }

  mutating func append(_ record: Record, line: Int) {
    records.append(record)
    lines.append(line)
  }

  /// - Throws: `Failure(.badData)` if nothing is left.
  func checkNotEmpty() throws {
    guard records.isEmpty else { return }
    let reason = report.droppedByReason.first.map { ": \($0.count) dropped because \($0.reason)" }
    throw Failure(
      .badData, "there is no usable row" + (reason ?? ""), at: report.name,
      remedy: "Give a file with at least one.")
  }
}

/// A record that takes up tokens of a context.
public protocol TokenCounted: Sendable {
  /// What has to fit into the context, with the special tokens.
  func tokenCount(_ tokenizer: Tokenizer) -> Int
}

extension Prompt: TokenCounted {
  public func tokenCount(_ tokenizer: Tokenizer) -> Int { tokenizer.encode(prompt: turns).count }
}

extension Demonstration: TokenCounted {
  public func tokenCount(_ tokenizer: Tokenizer) -> Int {
    prompt.tokenCount(tokenizer) + tokenizer.encode(completion: completion).count
  }
}

extension Comparison: TokenCounted {
  /// With the longest answer.
  public func tokenCount(_ tokenizer: Tokenizer) -> Int {
    let longest = completions.map { tokenizer.encode(completion: $0).count }.max() ?? 0
    return prompt.tokenCount(tokenizer) + longest
  }
}

extension TokenCounted {
  /// Whether this leaves `reserve` tokens of the context free.
  public func fits(context: Int, reserve: Int = 0, tokenizer: Tokenizer) -> Bool {
    precondition(reserve >= 0 && reserve < context, "\(reserve) of \(context) tokens reserved")
    return tokenCount(tokenizer) + reserve <= context
  }
}

extension Dataset where Record: TokenCounted {
  /// The records that leave `reserve` tokens of the context free. Longer ones are dropped and
  /// counted in the report, never truncated.
  /// - Parameter reserve: room for an answer that is still to be written.
  /// - Throws: `Failure(.badData)` if none fits.
  public func fits(
    context: Int, reserve: Int = 0, tokenizer: Tokenizer
  ) throws -> Dataset<Record> {
    var kept = Dataset(report: report)
    for (record, line) in zip(records, lines) {
      if record.fits(context: context, reserve: reserve, tokenizer: tokenizer) {
        kept.append(record, line: line)
      } else {
        kept.report.drop(line: line, "over \(context - reserve) tokens")
      }
    }
    try kept.checkNotEmpty()
    return kept
  }
}
