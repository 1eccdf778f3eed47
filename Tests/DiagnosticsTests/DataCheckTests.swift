import Datasets
import Glibc
import Support
import TestSupport
import Testing
import Tokenizers

@testable import Diagnostics
@testable import Inference
@testable import Stages

@Suite struct DataCheckTests {
  private static let tokenizer = Tokenizer.train(on: ["one two three"], vocabularySize: 270)
  private let fit = ContextFit(64)

  private func withFile<T>(_ lines: [String], _ body: (String) throws -> T) throws -> T {
    let folder = TemporaryFolder()
    try folder.write(lines.joined(separator: "\n"), to: "data")
    return try body(folder.file("data"))
  }

  private func check(
    _ lines: [String], against: [String]? = nil, shown: Int = 100, threads: Int = 2
  ) throws -> DataCheckResult {
    let check = DataCheck(Self.tokenizer, context: 64, threads: threads)
    let other = try against.map { try withFile($0) { try check.other($0) } }
    return try withFile(lines) { try check.check($0, against: other, shown: shown) }
  }

  /// What is learnt and what is not of every sequence that is shown.
  private func masks(_ result: DataCheckResult) -> [[String]] {
    result.examples.flatMap(\.sequences).map { sequence in
      [false, true].map { learnt in
        sequence.segments.filter { $0.learnt == learnt }.map(\.text).joined()
      }
    }
  }

  private func tokens<Record: Tokenizable>(_ dataset: Dataset<Record>) throws -> [Tokenized<Record>] {
    try dataset.records.tokenized(Self.tokenizer, threads: 1)
  }

  private func split(_ document: String) -> [ArraySlice<Int32>] {
    fit.pieces(Self.tokenizer.encode(document: document))
  }

  private func text(_ tokens: some Sequence<Int32>) -> String {
    Self.tokenizer.decodeString(tokens, namingSpecialTokens: true)
  }

  @Test("demonstrations are counted and shown with the loss mask that SFT trains with")
  func demonstrations() throws {
    let lines = (1...40).map { number in
      let count = number * 3
      return """
        {"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "\(number)?"}], \
        "completion": "\(String(repeating: "é", count: count / 2))"}
        """
    }
    let (trained, count) = try withFile(lines) { fit.demonstrations(try tokens(readDemonstrations($0))) }
    #expect((1..<40).contains(count) && trained.count == count)
    let result = try check(lines)
    #expect(result.content == .demonstrations)
    #expect(result.rows == 40 && result.usable == count)
    #expect(result.tokens.total == trained.reduce(0) { $0 + $1.tokens.count })
    #expect(result.tokens.learnt == trained.reduce(0) { $0 + $1.targetCount })
    #expect(result.findings[.overLong]?.count == 40 - trained.count)
    #expect(result.dropped.map(\.reason) == ["over 64 tokens"])
    #expect(result.tokens.longestLine == 40)
    #expect(
      masks(result)
        == trained.map { [text($0.tokens[..<$0.learnFrom]), text($0.tokens[$0.learnFrom...])] })
    #expect(masks(result)[0] == ["<|system|>Be brief.<|user|>1?<|assistant|>", "é<|end|>"])
  }

  @Test("dialogues are learnt in all their answers and nowhere else, as SFT trains and data check shows")
  func dialogues() throws {
    let lines = [
      #"""
      {"messages": [{"role": "system", "content": "Be."}, {"role": "user", "content": "one"}, \#
      {"role": "assistant", "content": "two"}, {"role": "user", "content": "three"}, \#
      {"role": "assistant", "content": "no", "weight": 0}, {"role": "user", "content": "a"}, \#
      {"role": "assistant", "content": "b"}]}
      """#,
      #"{"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]}"#,
    ]
    let (trained, count) = try withFile(lines) { fit.demonstrations(try tokens(readDemonstrations($0))) }
    let result = try check(lines)
    #expect(trained.count == 2 && count == 2 && result.usable == 2)
    #expect(result.tokens.total == trained.reduce(0) { $0 + $1.tokens.count })
    #expect(result.tokens.learnt == trained.reduce(0) { $0 + $1.targetCount })
    for (shown, sequence) in zip(result.examples, trained) {
      let learnt = shown.sequences[0].segments.filter(\.learnt).map(\.text)
      #expect(learnt == sequence.learnt.map { text(sequence.tokens[$0]) })
    }
    #expect(
      result.examples[0].sequences[0].segments.map { "\($0.learnt ? "*" : "")\($0.text)" } == [
        "<|system|>Be.<|user|>one<|assistant|>", "*two<|end|>",
        "<|user|>three<|assistant|>no<|end|><|user|>a<|assistant|>", "*b<|end|>",
      ])
    #expect(masks(result)[1] == ["<|user|>one<|assistant|>", "two<|end|>"])
  }

  @Test("ranked answers are shown with the token at which the reward model reads their score")
  func comparisons() throws {
    let long = String(repeating: "7", count: 70)
    let lines = [
      #"{"prompt": "say", "completions": ["a", "b", ""], "ranks": [2, 1, 3]}"#,
      #"{"prompt": "say", "completions": ["a", "\#(long)"], "ranks": [1, 2]}"#,
      #"{"prompt": "do", "completions": ["a", "b"], "ranks": [1, 2]}"#,
    ]
    let trained = try withFile(lines) { fit.comparisons(try tokens(readComparisons($0))) }
    let result = try check(lines)
    #expect(result.usable == trained.kept.count && trained.long == 1)
    #expect(result.tokens.total == trained.sequences.flatMap(\.sequences).reduce(0) { $0 + $1.count })
    #expect(result.tokens.learnt == 5)
    #expect(result.examples.map(\.line) == [1, 3])
    #expect(result.examples.flatMap(\.sequences).map(\.rank) == [2, 1, 3, 1, 2])
    #expect(
      masks(result)
        == trained.sequences.flatMap(\.sequences).map { [text($0.dropLast()), text($0.suffix(1))] })
    #expect(masks(result)[1] == ["<|user|>say<|assistant|>b", "<|end|>"])
  }

  @Test("of prompts nothing is learnt, and they leave room for an answer as in PPO")
  func prompts() throws {
    let lines = (0..<40).map { "{\"prompt\": \"\(String(repeating: "7", count: $0))x\"}" }
    let prompts = try withFile(lines) { try tokens(readPrompts($0)) }
    let trained = fit.prompts(prompts, responseLength: Settings().count(.responseLength))
    let result = try check(lines)
    #expect(result.usable == trained.count && (1..<40).contains(trained.count))
    #expect(result.tokens.learnt == 0)
    #expect(masks(result) == trained.map { [text($0.tokens), ""] })
  }

  @Test("documents are cut as in pretraining, and all but the first token of a piece is learnt")
  func documents() throws {
    let lines = ["{\"text\": \"one two\"}", "{\"text\": \"\(String(repeating: "7", count: 150))\"}"]
    let result = try check(lines)
    let pieces = ["one two", String(repeating: "7", count: 150)].flatMap(split)
    #expect(pieces.map(\.count).max() == 64 && pieces.count == 4)
    #expect(result.usable == 2 && result.findings[.overLong]?.count == 0)
    #expect(result.tokens.longest == 152)
    #expect(result.tokens.total == pieces.reduce(0) { $0 + $1.count })
    #expect(result.tokens.learnt == result.tokens.total - 4)
    #expect(masks(result) == pieces.map { [text($0.prefix(1)), text($0.dropFirst())] })
    // Of a book the beginning is shown.
    let book = String(repeating: "7", count: 64 * 20)
    let beginning = try check(["{\"text\": \"\(book)\"}"])
    #expect(beginning.tokens.learnt == 64 * 20 + 2 - 21)
    #expect(
      masks(beginning)
        == split(book).prefix(8).map { [text($0.prefix(1)), text($0.dropFirst())] })
  }

  @Test("each oddity is found on its lines, and no other")
  func findings() throws {
    let long = String(repeating: "word ", count: 8)
    let lines = [
      #"{"prompt": "1", "chosen": "a.", "rejected": "b."}"#,
      #"{"prompt": "1", "chosen": "a.", "rejected": "b."}"#,
      #"{"prompt": "1", "chosen": " A.", "rejected": "b."}"#,
      #"{"prompt": "2", "chosen": "same", "rejected": "same"}"#,
      #"{"prompt": "3", "chosen": "", "rejected": "b"}"#,
      #"{"prompt": "4", "chosen": "a\u0007", "rejected": "b"}"#,
      #"{"prompt": "5\ufffd", "chosen": "a", "rejected": "b"}"#,
      #"{"prompt": "6", "chosen": "a"}"#,
      #"{"prompt": "7", "chosen": "\#(long)\#(long)", "rejected": "b"}"#,
      "not JSON",
    ]
    let result = try check(lines)
    let expected: [DataFinding: [Int]] = [
      .badRows: [8, 10], .overLong: [9], .emptyAnswers: [5], .identicalAnswers: [4],
      .duplicates: [2], .nearDuplicates: [3], .cutAnswers: [9], .controlCharacters: [6],
      .replacementCharacters: [7],
    ]
    for finding in DataFinding.allCases {
      #expect(result.findings[finding]?.lines == expected[finding] ?? [], "\(finding)")
      #expect(result.findings[finding]?.count == expected[finding]?.count ?? 0, "\(finding)")
    }
    #expect(result.rows == 10 && result.usable == 6)
    #expect(
      result.dropped.map(\.reason) == [
        "the answers are identical", "the key \"rejected\" is missing", "over 64 tokens",
        "this is not JSON: found \"n\" instead of a value",
      ])
    let ties = try check([
      #"{"prompt": "1", "completions": ["a", "b"], "ranks": [1, 1]}"#,
      #"{"prompt": "1", "completions": ["a", "b"], "ranks": [2, 1]}"#,
    ])
    #expect(ties.findings[.tiedRankings]?.lines == [1])
    #expect(ties.findings.values.reduce(0) { $0 + $1.count } == 1)
    let torn = try check([#"{"prompt": "1", "completions": ["a", "b", "a"], "ranks": [1, 2, 3]}"#])
    #expect(torn.findings[.contradictoryRanks]?.lines == [1])
  }

  @Test("a special token's name in a text is found, and shown apart as text")
  func specialNames() throws {
    let result = try check([
      #"{"prompt": "<|user|> 1?", "completion": "a<|end|>"}"#, #"{"prompt": "2 <|users|>", "completion": "a <|end"}"#,
    ])
    #expect(result.findings[.specialNames]?.lines == [1])
    let segments = result.examples[0].sequences[0].segments
    #expect(
      segments.map { "\($0.learnt ? "*" : "")\($0.literal == true ? "‹\($0.text)›" : $0.text)" } == [
        "<|user|>", "‹<|user|>›", " 1?<|assistant|>", "*a", "*‹<|end|>›", "*<|end|>",
      ])
    #expect(segments.allSatisfy { $0.literal != false })
  }

  @Test("many answers of just the longest length are found, and short or few ones are not")
  func limit() throws {
    func row(_ number: Int, _ words: Int) -> String {
      "{\"prompt\": \"\(number)\", \"completion\": \"\(String(repeating: "7", count: words))\"}"
    }
    let cut = (1...20).map { row($0, $0 > 14 ? 30 : $0) }
    #expect(try check(cut).findings[.answersAtLimit]?.lines == [15, 16, 17, 18, 19, 20])
    for lines in [(1...20).map { row($0, $0 > 16 ? 30 : $0) }, (1...20).map { row($0, $0 > 14 ? 15 : 3) }] {
      #expect(try check(lines).findings[.answersAtLimit]?.count == 0)
    }
  }

  @Test("keys that nothing is done with are counted with their lines, and what is done beyond what rows say")
  func unusedKeys() throws {
    let result = try check([
      #"{"prompt": "1", "completion": "a", "source": "x"}"#, #"{"prompt": "2", "completion": "a"}"#,
      #"{"prompt": "3", "completion": "a", "source": "y", "id": 0}"#, #"{"prompt": "4", "completion": 1, "url": "z"}"#,
    ])
    #expect(result.unusedKeys.map(\.key) == ["source", "id"] && result.unusedKeys.map(\.rows.lines) == [[1, 3], [3]])
    let implicit = try check([#"{"chosen": "It is a.", "rejected": "It is b."}"#])
    #expect(implicit.notes.map(\.note) == ["the prompt is what both answers begin with"] && implicit.notes[0].rows.lines == [1])
  }

  @Test("prompts, and prompts with an answer, that another split has are leaks, whatever its format")
  func leaks() throws {
    let lines = [
      #"{"prompt": "Who?", "completion": "I."}"#, #"{"prompt": "who? ", "completion": "You."}"#,
      #"{"prompt": "What?", "completion": "I."}"#,
    ]
    let other = [
      #"{"chosen": "\n\nHuman: Who?\n\nAssistant: We.", "rejected": "\n\nHuman: Who?\n\nAssistant: you."}"#,
      "not JSON",
    ]
    let result = try check(lines, against: other)
    #expect(result.findings[.leakedPrompts]?.lines == [1, 2])
    #expect(result.findings[.leakedRows]?.lines == [2])
    #expect(try check(lines).findings[.leakedPrompts]?.count == 0)
  }

  @Test("the result does not depend on the threads, and holds no more than the first lines and reasons")
  func bounded() throws {
    let lines = (0..<30_000).map { number in
      number % 3 == 0
        ? "{\"prompt\": [{\"role\": \"r\(number)\", \"content\": \"x\"}], \"completion\": \"c\"}"
        : "{\"prompt\": \"\(number % 7)\", \"completion\": \"some answer to the prompt\"}"
    }
    let one = try check(lines, shown: 5, threads: 1)
    #expect(one.rows == 30_000 && one.usable == 20_000)
    #expect(one.dropped.count == 21 && one.dropped[20].reason == "other reasons")
    #expect(one.dropped.reduce(0) { $0 + $1.rows.count } == 10_000)
    #expect(one.findings[.duplicates]?.count == 20_000 - 7)
    #expect(one.findings.values.allSatisfy { $0.lines.count <= 10 })
    #expect(one.examples.count == 5)
    let three = try check(lines, shown: 5, threads: 3)
    var (a, b) = (try JSON.encode(one), try JSON.encode(three))
    // They lay in folders of their own.
    (a, b) = (strip(a, one.file), strip(b, three.file))
    #expect(a == b)
  }

  private func strip(_ json: [UInt8], _ file: String) -> [UInt8] {
    Array(String(decoding: json, as: UTF8.self).replacing(file, with: "file").utf8)
  }
}
