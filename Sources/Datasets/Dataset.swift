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
  /// What it says that the tokenizer's chat template does not read, each by its key.
  func unread(by tokenizer: Tokenizer) -> [String]
}

extension Prompt: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    [try tokenizer.encode(prompt: self).count]
  }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(self) }
}

extension Demonstration: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    try tokenizer.encode(self).map(\.tokens.count)
  }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(prompt, answers: [answer]) }
}

extension Comparison: TokenCounted {
  /// The prompt with each answer.
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    try tokenizer.encode(self).map(\.count)
  }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(prompt, answers: answers) }
}

/// A document.
extension String: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) -> [Int] { [tokenizer.encode(document: self).count] }

  public func unread(by tokenizer: Tokenizer) -> [String] { [] }
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
  /// Counts tokens for the report, and names there what the tokenizer's chat template does not read.
  ///
  /// - Parameter strict: whether a dialogue that the chat format cannot write is an error; else it is left out.
  /// - Throws: `Failure(.badData)` with the line of such a dialogue, and if nothing is left.
  public func countingTokens(_ tokenizer: Tokenizer, strict: Bool = true, threads: Int) throws -> Dataset {
    let (records, lines, name) = (records, lines, report.name)
    let counts = try Parallel.map(records.count, threads: threads, as: "counting tokens") { index in
      Result { try Failure.locating("\(name):\(lines[index])") { try records[index].tokenCounts(tokenizer) } }
    }
    var counted = Dataset(report: report)
    (counted.report.tokens, counted.report.longest) = (0, counts.isEmpty ? nil : 0)
    for (index, count) in counts.enumerated() {
      do {
        let tokens = try count.get()
        counted.append(records[index], line: lines[index])
        counted.report.tokens! += tokens.reduce(0, +)
        counted.report.longest = max(counted.report.longest ?? 0, tokens.max() ?? 0)
        for key in records[index].unread(by: tokenizer) { counted.report.unusedKeys.add(key, lines[index]) }
      } catch let failure as Failure {
        guard !strict else { throw failure.sayingHowToGoOn }
        counted.report.dropped.append(.init(line: lines[index], reason: failure.what, isBad: true))
      }
    }
    try counted.checkNotEmpty()
    return counted
  }

  /// The records that leave `reserve` tokens of the context free. Longer ones, and dialogues that the chat format cannot
  /// write, are dropped and counted in the report, never truncated.
  /// - Parameter reserve: room for an answer that is still to be written.
  /// - Throws: `Failure(.badData)` if none fits.
  public func fits(
    context: Int, reserve: Int = 0, tokenizer: Tokenizer
  ) throws -> Dataset<Record> {
    var kept = Dataset(report: report)
    let work = Work("counting tokens", of: records.count)
    defer { work.end() }
    for (record, line) in zip(records, lines) {
      defer { work.advance() }
      do {
        if try record.fits(context: context, reserve: reserve, tokenizer: tokenizer) {
          kept.append(record, line: line)
        } else {
          kept.report.drop(line: line, "over \(context - reserve) tokens")
        }
      } catch let failure as Failure where failure.kind == .badData {
        kept.report.dropped.append(.init(line: line, reason: failure.what, isBad: true))
      }
    }
    try kept.checkNotEmpty()
    return kept
  }
}
