import Datasets
import Support
import Tokenizers

extension Dataset where Record: Tokenizable {
  /// The records with their tokens, made on several threads. The report then has the numbers of tokens, and its unused
  /// keys include those that the tokenizer's chat template does not read.
  ///
  /// - Parameters:
  ///   - limit: maximum number of tokens; longer records are dropped and counted in the report, never truncated.
  ///   - strict: whether a dialogue that the chat format cannot write is an error; if not, it is dropped.
  /// - Throws: `Failure(.badData)` with the line of such a dialogue, and if no row is left.
  public func tokenized(
    _ tokenizer: Tokenizer, limit: Int = .max, strict: Bool = true, threads: Int
  ) throws -> Dataset<Tokenized<Record>> {
    let (records, lines, name) = (records, lines, report.name)
    let results = try Parallel.map(records.count, threads: threads, as: "encoding") { index in
      Result { try Failure.locating("\(name):\(lines[index])") { try Tokenized(records[index], tokenizer) } }
    }
    var kept = Dataset<Tokenized<Record>>(report: report)
    (kept.report.tokens, kept.report.longest) = (0, results.isEmpty ? nil : 0)
    for (line, result) in zip(lines, results) {
      do {
        let record = try result.get()
        guard record.longest <= limit else {
          kept.report.drop(line: line, "over \(limit) tokens")
          continue
        }
        kept.append(record, line: line)
        kept.report.tokens! += record.counts.reduce(0, +)
        kept.report.longest = max(kept.report.longest ?? 0, record.longest)
        for key in record.record.unread(by: tokenizer) { kept.report.unusedKeys.add(key, line) }
      } catch let failure as Failure {
        guard !strict else { throw failure.sayingHowToGoOn }
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
