import Datasets
import Dialogues
import Support
import TestSupport
import Testing
import Tokenizers

@testable import Inference

@Suite struct TokenizedDatasetTests {
  /// `<|user|>`, `<|assistant|>` and `<|end|>`, and one token a byte.
  private let tokenizer = Tokenizer.train(on: [String](), vocabularySize: 260)

  private func read<Record>(
    _ text: String, as name: String = "data.jsonl", _ reader: (String, Bool) throws -> Dataset<Record>
  ) throws -> Dataset<Record> {
    let folder = TemporaryFolder()
    try folder.write(text, to: name)
    return try reader(folder.file(name), true)
  }

  @Test("the report has the tokens of all sequences and those of the longest, on any threads")
  func tokens() throws {
    let rows = (0..<600).map {
      "{\"prompt\": \"p\", \"completions\": [\"ab\", \"\($0 == 300 ? "abcd" : "a")\"], \"ranks\": [1, 2]}"
    }
    for threads in [1, 3] {
      let counted = try read(rows.joined(separator: "\n"), readComparisons)
        .tokenized(tokenizer, threads: threads)
      #expect(counted.report.tokens == 600 * (6 + 5) + 3 && counted.report.longest == 8)
      #expect(
        counted.report.description
          .hasSuffix("data.jsonl: ranked answers, 600 rows, 6603 tokens, the longest 8"))
    }
    let texts = try read("ab<|endoftext|>abc", as: "data.txt", readDocuments).tokenized(tokenizer, threads: 1)
    #expect(texts.report.tokens == 4 + 5 && texts.report.longest == 5)
    #expect(try read(#"{"prompt": "p"}"#, readPrompts).report.tokens == nil)
  }

  @Test("a dialogue that the chat format cannot write is an error with its line, or is left out and counted")
  func unwritable() throws {
    let rows = [
      #"{"messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}]}"#,
      #"{"messages": [{"role": "tool", "content": "4"}, {"role": "assistant", "content": "a"}]}"#,
    ]
    let dataset = try read(rows.joined(separator: "\n"), readDemonstrations)
    let failure = try #require(throws: Failure.self) { try dataset.tokenized(tokenizer, threads: 2) }
    #expect(failure.place?.hasSuffix("data.jsonl:2") == true && failure.what.contains("\"tool\""), "\(failure)")
    #expect(failure.remedy?.contains("--skip-bad-rows") == true)
    let kept = try dataset.tokenized(tokenizer, strict: false, threads: 2)
    #expect(kept.lines == [1] && kept.report.tokens == 5 && kept.report.longest == 5)
    #expect(kept.report.dropped.map(\.line) == [2] && kept.report.dropped[0].isBad)
  }

  @Test("the hash of records is the same on any threads, and every record changes it")
  func hashes() throws {
    let records = (0..<1_300).map { "record \($0)" }
    let alone = try Provenance.Source(name: "x", records: records, threads: 1)
    #expect(try Provenance.Source(name: "x", records: records, threads: 3) == alone)
    for changed in [0, 511, 512, 1_299] {
      var others = records
      others[changed] += "."
      #expect(try Provenance.Source(name: "x", records: others, threads: 3) != alone)
    }
  }

  @Test("over-long records are dropped and counted, never truncated")
  func fits() throws {
    let dataset = try read(
      "{\"prompt\": \"12345678\"}\n{\"prompt\": \"123456789\"}\n{\"prompt\": \"1\"}", readPrompts)
    let kept = try dataset.tokenized(tokenizer, limit: 10, threads: 2)
    #expect(kept.records.map(\.record) == [Prompt("12345678"), Prompt("1")])
    #expect(kept.report.tokens == 10 + 3 && kept.report.longest == 10)
    #expect(kept.lines == [1, 3])
    #expect(kept.report.dropped.map(\.line) == [2] && kept.report.dropped[0].reason == "over 10 tokens")
    #expect(kept.report.rows == 3)
    let failure = try #require(throws: Failure.self) {
      _ = try dataset.tokenized(tokenizer, limit: 2, threads: 1)
    }
    #expect(failure.kind == .badData)
    #expect(failure.description.contains("data.jsonl: there is no usable row: 3 dropped because over 2 tokens"))
  }
}
