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
    let reason = report.droppedByReason.first.map { ": \($0.rows.count) dropped because \($0.reason)" }
    throw Failure(
      .badData, "there is no usable row" + (reason ?? ""), at: report.name,
      remedy: "Give a file with at least one.")
  }
}

/// A record that takes up tokens of a context.
public protocol TokenCounted: Sendable {
  /// The tokens of each sequence that becomes of it, with the special tokens.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot write.
  func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int]
}

extension Prompt: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    [try tokenizer.encode(prompt: self).count]
  }
}

extension Demonstration: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    try tokenizer.encode(self).map(\.tokens.count)
  }
}

extension Comparison: TokenCounted {
  /// The prompt with each answer.
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    try tokenizer.encode(self).map(\.count)
  }
}

/// A document.
extension String: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) -> [Int] { [tokenizer.encode(document: self).count] }
}

extension TokenCounted {
  /// The tokens of the longest sequence.
  /// - Throws: as `tokenCounts`.
  public func tokenCount(_ tokenizer: Tokenizer) throws -> Int { try tokenCounts(tokenizer).max() ?? 0 }

  /// Whether this leaves `reserve` tokens of the context free.
  /// - Throws: as `tokenCounts`.
  public func fits(context: Int, reserve: Int = 0, tokenizer: Tokenizer) throws -> Bool {
    precondition(reserve >= 0 && reserve < context, "\(reserve) of \(context) tokens reserved")
    return try tokenCount(tokenizer) + reserve <= context
  }
}

extension Dataset where Record: TokenCounted {
  /// Counts tokens for the report.
  /// - Throws: `Failure(.badData)` with the line of a dialogue that the chat format cannot write.
  public func countingTokens(_ tokenizer: Tokenizer, threads: Int) throws -> Dataset {
    let (records, lines, name) = (records, lines, report.name)
    let batch = 256
    let counts = try Parallel.map((records.count + batch - 1) / batch, threads: threads) { part in
      let counts = try (part * batch..<min((part + 1) * batch, records.count)).flatMap { index in
        try Failure.locating("\(name):\(lines[index])") { try records[index].tokenCounts(tokenizer) }
      }
      return (total: counts.reduce(0, +), longest: counts.max() ?? 0)
    }
    var counted = self
    counted.report.tokens = counts.reduce(0) { $0 + $1.total }
    counted.report.longest = counts.map(\.longest).max()
    return counted
  }

  /// The records that leave `reserve` tokens of the context free. Longer ones are dropped and
  /// counted in the report, never truncated.
  /// - Parameter reserve: room for an answer that is still to be written.
  /// - Throws: `Failure(.badData)` if none fits; with its line for a dialogue that the chat format cannot write.
  public func fits(
    context: Int, reserve: Int = 0, tokenizer: Tokenizer
  ) throws -> Dataset<Record> {
    var kept = Dataset(report: report)
    for (record, line) in zip(records, lines) {
      let fits = try Failure.locating("\(report.name):\(line)") {
        try record.fits(context: context, reserve: reserve, tokenizer: tokenizer)
      }
      if fits {
        kept.append(record, line: line)
      } else {
        kept.report.drop(line: line, "over \(context - reserve) tokens")
      }
    }
    try kept.checkNotEmpty()
    return kept
  }
}
