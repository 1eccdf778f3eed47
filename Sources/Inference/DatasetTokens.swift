import Datasets
import Support
import Tokenizers

extension Dataset where Record: TokenCounted {
  /// Counts tokens for the report, and adds keys that the tokenizer's chat template does not read to its unused keys.
  ///
  /// - Parameter strict: whether a dialogue that the chat format cannot write is an error; if not, it is left out.
  /// - Throws: `Failure(.badData)` with the line of such a dialogue, and if no row is left.
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
        counted.report.drop(line: lines[index], failure.what, isBad: true)
      }
    }
    try counted.checkNotEmpty()
    return counted
  }

  /// The records that leave `reserve` tokens of the context free. Longer ones, and dialogues that the chat format cannot
  /// write, are dropped and counted in the report, never truncated.
  /// - Parameter reserve: tokens for an answer that will be generated.
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
        kept.report.drop(line: line, failure.what, isBad: true)
      }
    }
    try kept.checkNotEmpty()
    return kept
  }
}

extension Example {
  /// The keys of the row that the tokenizer's chat template does not read.
  package func unread(by tokenizer: Tokenizer) -> [String] {
    switch self {
    case .comparison(let comparison): comparison.unread(by: tokenizer)
    case .demonstration(let demonstration): demonstration.unread(by: tokenizer)
    case .refutedAnswer(let prompt), .prompt(let prompt): prompt.unread(by: tokenizer)
    case .document: []
    }
  }
}
