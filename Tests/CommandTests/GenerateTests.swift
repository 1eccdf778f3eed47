import Support
import TestSupport
import Testing

@Suite(.serialized) struct GenerateTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }
  private static let prompts = ["Hi", "Who?", "Where is it?", "Hi"]

  init() throws { tiny = try TinyModels() }

  private func generate(
    _ options: [String], prompts: [String] = prompts, model: String? = nil
  ) throws -> [[String: JSONValue]] {
    let input = try prompts.map { try JSON.line(["prompt": $0]) + "\n" }.joined()
    let result = try program.run(
      ["generate", model ?? tiny.sft, "--max-new-tokens", "24"] + options, input: input)
    try #require(result.exitCode == 0, "\(result.errorText)")
    #expect(result.errorText.isEmpty, "\(result.errorText)")
    return try result.objects()
  }

  @Test("answers come in the order of their prompts, each from its line's own random stream")
  func keepsOrder() throws {
    let answers = try generate([])
    #expect(answers.map { $0["prompt"]?.string } == Self.prompts)
    #expect(answers[0]["tokens"] != answers[3]["tokens"], "two lines share a stream")
    #expect(try generate([], prompts: Array(Self.prompts.prefix(2))) == Array(answers.prefix(2)))
    // More prompts than are answered at a time.
    let many = (0..<150).map { "number \($0)" }
    #expect(try generate([], prompts: many).map { $0["prompt"]?.string } == many)
  }

  @Test("a seed gives the same answers again, another seed others; temperature 0 knows no seed")
  func seeds() throws {
    let seventh = try generate(["--seed", "7"])
    #expect(try generate(["--seed", "7"]) == seventh)
    #expect(try generate(["--seed", "8"]) != seventh)
    let greedy = try generate(["--temperature", "0"])
    #expect(try generate(["--temperature", "0", "--seed", "8"]) == greedy)
    #expect(try generate(["--top-k", "1", "--seed", "9"]) == greedy)
    #expect(greedy[0] == greedy[3])
  }

  @Test("--stop cuts an answer before the first of its texts, and nothing else")
  func stops() throws {
    let free = try generate(["--precision", "float32"])
    let cut = try generate(["--precision", "float32", "--stop", "e", "--stop", "1"])
    for (free, cut) in zip(free, cut) {
      let text = try #require(free["completion"]?.string)
      let before = String(text.prefix { $0 != "e" && $0 != "1" })
      #expect(cut["completion"]?.string == before)
      if before != text { #expect(cut["finish"]?.string == "stop") } else { #expect(cut == free) }
    }
    #expect(free != cut, "no answer has a stop text in it")
  }

  @Test("--best-of gives the answer that the reward model scores highest among those of its stream")
  func bestOf() throws {
    func scores(_ answers: [[String: JSONValue]]) throws -> [Double] {
      let input = try answers.map {
        try JSON.line(["prompt": $0["prompt"]!, "completion_tokens": $0["tokens"]!]) + "\n"
      }
      let scored = try program.run("score", tiny.reward, input: input.joined()).objects()
      return scored.compactMap { $0["score"]?.number }
    }
    let reward = ["--reward-model", tiny.reward]
    #expect(try generate(["--best-of", "1"] + reward) == generate([]))
    // Line 3 of 8 samples each draws from the streams of lines 17 to 24 of one sample each.
    let (n, line) = (8, 2)
    let prompt = Self.prompts[line]
    let alone = try generate([], prompts: Array(repeating: prompt, count: n * Self.prompts.count))
    let drawn = Array(alone[line * n..<(line + 1) * n])
    let whole = drawn.filter { $0["finish"]?.string == "stop" }
    let candidates = whole.isEmpty ? drawn : whole
    let among = try scores(drawn)
    let best = try scores(candidates)
    let chosen = try generate(["--best-of", "\(n)"] + reward)[line]
    #expect(chosen == candidates[best.firstIndex(of: best.max()!)!])
    #expect(Set(among).count > 1)
    try tiny.expectRefusal(
      ["generate", tiny.sft, "--best-of", "2"], code: 64, ["--best-of", "--reward-model"])
    try tiny.expectRefusal(["generate", tiny.sft, "--best-of", "0"], code: 64, ["--best-of 0"])
    try tiny.expectRefusal(
      ["generate", tiny.sft, "--best-of", "2", "--temperature", "0"] + reward, code: 64,
      ["temperature 0"])
    try tiny.expectRefusal(
      ["generate", tiny.sft, "--best-of", "2", "--reward-model", tiny.sft], code: 65,
      ["a reward model is needed"])
  }

  @Test("prompt_tokens are the prompt that its text encodes to")
  func promptTokens() throws {
    let encoded = try program.run("tokenize", tiny.sft, input: "{\"text\":\"Hi\"}\n").objects()
    let text = try #require(encoded.first?["tokens"]?.array).compactMap(\.number).map { Int($0) }
    // <|user|> text <|assistant|>
    let tokens = try JSON.line(["prompt_tokens": [2] + text + [3]])
    let result = try program.run(
      "generate", tiny.sft, "--max-new-tokens", "24", input: tokens + "\n")
    #expect(result.exitCode == 0, "\(result.errorText)")
    let answer = try #require(try result.objects().first)
    let expected = try generate([], prompts: ["Hi"])[0]
    #expect(answer["tokens"] == expected["tokens"])
    #expect(answer["completion"] == expected["completion"])
    #expect(answer["prompt"]?.string == "<|user|>Hi<|assistant|>")
  }

  @Test("what a line says of drawing is of that line alone, and its id comes back as it was")
  func lineOptions() throws {
    let ids = [#"{"z":1.0,"a":"\u00e9"}"#, "12345678901234567890", "null", #""x""#]
    let options = [#""temperature":0,"max_new_tokens":2"#, #""seed":7"#, #""stop":["e","o"],"top_k":3"#, #""top_p":0.5"#]
    let lines = zip(ids, options).map { "{\"prompt\":\"Hi\",\"id\":\($0),\($1)}\n" }
    let result = try program.run("generate", tiny.sft, "--max-new-tokens", "24", input: lines.joined())
    #expect(result.exitCode == 0 && result.errorText.isEmpty, "\(result.errorText)")
    for (line, id) in zip(result.outputText.split(separator: "\n"), ids) {
      #expect(line.hasPrefix("{\"id\":\(id),\"completion\":"), "\(line)")
    }
    let answers = try result.objects()
    let arguments = [
      ["--temperature", "0", "--max-new-tokens", "2"], ["--seed", "7"], ["--stop", "e", "--stop", "o", "--top-k", "3"], ["--top-p", "0.5"],
    ]
    for (number, arguments) in arguments.enumerated() {
      // Each line draws from the stream of its own number.
      let alone = try generate(arguments, prompts: Array(repeating: "Hi", count: 4))[number]
      #expect(answers[number]["completion"] == alone["completion"], "\(arguments)")
    }
  }

  @Test("a key that means nothing is named once, and a prompt that says two things is that line's error")
  func keys() throws {
    let lines = [#"{"prompt":"Hi","foo":1}"#, #"{"prompt":"Hi","foo":2}"#, #"{"prompt":"Hi","prompt_tokens":[2,3]}"#, #"{"prompt":"Hi","best_of":2}"#]
    let result = try program.run("generate", tiny.sft, "--max-new-tokens", "2", input: lines.joined(separator: "\n"))
    #expect(try result.exitCode == 65 && result.objects().count == 2)
    let errors = result.errorText.split(separator: "\n")
    #expect(errors.count == 3 && errors[0].contains("stdin:1: the key \"foo\" is not used"), "\(errors)")
    #expect(errors[1].contains("stdin:3: \"prompt\" and \"prompt_tokens\" are not the same tokens"), "\(errors)")
    #expect(errors[2].contains("stdin:4: \"best_of\"") && errors[2].contains("--reward-model"), "\(errors)")
  }

  @Test("no input is no answer; each bad line is named with its remedy, and the good ones answered")
  func badLines() throws {
    for command in ["generate", "logprobs", "tokenize"] {
      let nothing = try program.run(command, tiny.sft)
      #expect(nothing.exitCode == 0 && nothing.standardOutput.isEmpty, "\(command)")
    }
    let bad = [
      ("{broken", "not JSON"), ("[1]", "not an object"), ("{\"prompt\":5}", "\"prompt\""),
      ("{\"foo\":1}", "\"prompt\" is missing"), ("{\"prompt_tokens\":[99999]}", "99999"),
      ("{\"prompt_tokens\":[-1]}", "-1"), ("{\"prompt_tokens\":[]}", "no tokens"),
      ("{\"prompt_tokens\":[\"a\"]}", "\"prompt_tokens\"[0] is a text, not a token id"),
      ("{\"prompt\":[{\"role\":\"robot\",\"content\":\"a\"}]}", "robot"),
      ("{\"prompt\":\"\(String(repeating: "a b ", count: 200))\"}", "the context 128"),
    ]
    let lines = ["{\"prompt\":\"Hi\"}"] + bad.map(\.0) + ["", "{\"prompt\":\"Hi\"}"]
    let result = try program.run(
      "generate", tiny.sft, "--max-new-tokens", "3", input: lines.joined(separator: "\n"))
    #expect(result.exitCode == 65)
    #expect(try result.objects().map { $0["prompt"]?.string } == ["Hi", "Hi"])
    let errors = result.errorText.split(separator: "\n")
    #expect(errors.count == bad.count)
    for (number, (error, (_, phrase))) in zip(errors, bad).enumerated() {
      #expect(error.hasPrefix("tinyrlhf: stdin:\(number + 2): "), "\(error)")
      #expect(error.contains(phrase), "\(error)")
    }
  }

  @Test("an int8 file answers as its float32 model does in int8, and float32 is refused of it")
  func quantised() throws {
    let int8 = "\(program.folder)/generate-int8.trlhf"
    let made = try program.run("quantize", tiny.sft, "-o", int8, "--force")
    try #require(made.exitCode == 0, "\(made.errorText)")
    let expected = try generate(["--precision", "int8"])
    for options in [[], ["--precision", "int8"]] { #expect(try generate(options, model: int8) == expected) }
    for command in [
      ["generate", int8, "--precision", "float32"], ["logprobs", int8, "--precision", "float32"],
      ["chat", int8, "--precision", "float32"], ["sample", int8, "--float32"],
    ] {
      let option = command.dropFirst(2).joined(separator: " ")
      try tiny.expectRefusal(command, code: 64, ["\(option) has no effect", int8, "int8 weights"])
    }
  }
}
