import FoundationEssentials
import Support
import TestSupport
import Testing

/// `logprobs`, `score` and `tokenize`.
@Suite(.serialized) struct ScoreTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private static let pairs = """
    {"prompt":"Hi","completion":"Hello there."}
    {"prompt":"Who?","completion":""}
    {"prompt_tokens":[2,50,3],"completion_tokens":[60,61]}

    """

  private func numbers(_ value: JSONValue?) throws -> [Double] {
    try #require(value?.array).compactMap(\.number)
  }

  @Test("log-probabilities sum to their sum; a text ends with the end token, tokens stay as they are")
  func sums() throws {
    let result = try program.run("logprobs", tiny.sft, input: Self.pairs)
    #expect(result.exitCode == 0, "\(result.errorText)")
    let answers = try result.objects()
    #expect(answers.count == 3)
    for answer in answers {
      let logprobs = try numbers(answer["logprobs"])
      #expect(logprobs.count == answer["tokens"]?.array?.count)
      #expect(logprobs.allSatisfy { $0 < 0 })
      let sum = try #require(answer["sum"]?.number)
      // The sum is of float32 values, which are printed shortened.
      #expect(abs(sum - logprobs.reduce(0, +)) < 1e-5)
    }
    #expect(try numbers(answers[0]["tokens"]).last == 0)
    #expect(try numbers(answers[1]["tokens"]) == [0])
    #expect(try numbers(answers[2]["tokens"]) == [60, 61])
  }

  @Test("int8 log-probabilities are near float32's and not the same; an int8 file has the int8 ones")
  func precisions() throws {
    func logprobs(_ model: String, _ precision: String?) throws -> [[Double]] {
      let result = try program.run(
        ["logprobs", model] + (precision.map { ["--precision", $0] } ?? []), input: Self.pairs)
      try #require(result.exitCode == 0, "\(result.errorText)")
      return try result.objects().map { try numbers($0["logprobs"]) }
    }
    let float32 = try logprobs(tiny.sft, "float32")
    let int8 = try logprobs(tiny.sft, "int8")
    #expect(float32 != int8)
    for (a, b) in zip(float32.joined(), int8.joined()) { #expect(abs(a - b) < 0.05) }
    let file = "\(program.folder)/logprobs-int8.trlhf"
    try #require(try program.run("quantize", tiny.sft, "-o", file, "--force").exitCode == 0)
    for precision in [nil, "int8"] { #expect(try logprobs(file, precision) == int8) }
  }

  @Test("the text that generate gives has the log-probabilities of its tokens")
  func agreesWithGenerate() throws {
    let drawn = try program.run(
      "generate", tiny.sft, "--precision", "float32", "--max-new-tokens", "9",
      input: "{\"prompt\":\"Hi\"}\n")
    let tokens = try #require(try drawn.objects().first?["tokens"])
    let request = JSONValue.object(["prompt": .string("Hi"), "completion_tokens": tokens])
    let scored = try program.run("logprobs", tiny.sft, input: try JSON.line(request) + "\n")
    #expect(scored.exitCode == 0, "\(scored.errorText)")
    #expect(try scored.objects().first?["tokens"] == tokens)
  }

  @Test("scores come one a line, the same for a text and for its tokens; demonstrations score 0")
  func scores() throws {
    let tokens = try program.run("logprobs", tiny.sft, input: Self.pairs).objects()[0]["tokens"]
    let same = JSONValue.object(["prompt": .string("Hi"), "completion_tokens": try #require(tokens)])
    let result = try program.run(
      "score", tiny.reward, input: Self.pairs + "{broken\n" + (try JSON.line(same)) + "\n")
    #expect(result.exitCode == 65)
    #expect(result.errorText.contains("stdin:4"), "\(result.errorText)")
    let scores = try result.objects().map { $0["score"]?.number }
    #expect(scores.count == 4)
    #expect(scores[0] != nil && scores[0] == scores[3] && scores[0] != scores[1])
    // The best answers of the comparisons are the demonstrations here.
    let best = try program.run(
      "score", tiny.reward, input: String(decoding: Files.read(tiny.demonstrations), as: UTF8.self))
    let values = try best.objects().compactMap { $0["score"]?.number }
    #expect(values.count == 4)
    #expect(abs(values.reduce(0, +) / 4) < 1e-4, "\(values)")
  }

  @Test("a dialogue is measured as its prompt and its last answer are, in every form")
  func dialogues() throws {
    let (user, answer) = (#"{"role":"user","content":"Hi"}"#, #"{"role":"assistant","content":"So."}"#)
    let lines = [
      #"{"prompt":"Hi","completion":"So."}"#, "{\"messages\":[\(user),\(answer)]}", "{\"prompt\":[\(user)],\"completion\":[\(answer)]}",
      #"{"prompt":"\n\nHuman: Hi\n\nAssistant:","completion":"So."}"#, #"{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"So."}]}"#,
    ]
    for (command, model) in [("logprobs", tiny.sft), ("score", tiny.reward)] {
      let result = try program.run(command, model, input: lines.joined(separator: "\n"))
      #expect(result.exitCode == 0, "\(result.errorText)")
      let answers = try result.objects()
      #expect(answers.count == 5 && answers.allSatisfy { $0 == answers[0] }, "\(result.outputText)")
    }
  }

  @Test("decoding is the inverse of tokenizing, for any text")
  func decodes() throws {
    let texts = [
      "plain words", "", " spaces  and\ttabs\nand lines\r\n", "Hé, 日本語, 👩‍👩‍👧 and \u{0}\u{7F}",
      "<|end|> is text, not a token", "a\u{301} stays decomposed",
      String(repeating: "long ", count: 999),
    ]
    let input = try texts.map { try JSON.line(["text": $0]) + "\n" }.joined()
    let tokens = try program.run("tokenize", tiny.sft, input: input)
    #expect(tokens.exitCode == 0, "\(tokens.errorText)")
    let special = try tokens.objects().flatMap { try numbers($0["tokens"]) }.filter { $0 < 4 }
    #expect(special.isEmpty)
    let decoded = try program.run("tokenize", tiny.sft, "--decode", input: tokens.outputText)
    #expect(decoded.exitCode == 0, "\(decoded.errorText)")
    let returned = try decoded.objects().map { Array($0["text"]?.string?.utf8 ?? "".utf8) }
    #expect(returned == texts.map { Array($0.utf8) })
  }

  @Test("every byte has a token: half a character decodes to a replacement, its halves together to it")
  func bytes() throws {
    let whole = try program.run("tokenize", tiny.sft, input: "{\"text\":\"é\"}\n").objects()
    let tokens = try numbers(whole[0]["tokens"]).map { Int($0) }
    try #require(tokens.count == 2, "a tiny vocabulary has a token for é")
    let halves = try ([tokens] + tokens.map { [$0] }).map { try JSON.line(["tokens": $0]) + "\n" }
    let decoded = try program.run("tokenize", tiny.sft, "--decode", input: halves.joined())
    #expect(try decoded.objects().map { $0["text"]?.string } == ["é", "\u{FFFD}", "\u{FFFD}"])
    let all = try (4..<260).map { try JSON.line(["tokens": [$0]]) + "\n" }
    let single = try program.run("tokenize", tiny.sft, "--decode", input: all.joined())
    let texts = try single.objects().compactMap { $0["text"]?.string }
    #expect(Set(texts).count == 129, "128 ASCII characters and the replacement")
  }
}
