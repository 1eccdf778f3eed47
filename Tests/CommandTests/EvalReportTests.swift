import FoundationEssentials
import Support
import TestSupport
import Testing

/// `eval`, `report`, and what reaches a terminal.
@Suite(.serialized) struct EvalReportTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  // MARK: eval

  private func measure(_ arguments: [String]) throws -> [String: JSONValue] {
    let result = try program.run(["eval"] + arguments)
    try #require(result.exitCode == 0, "\(result.errorText)")
    let object = try #require(try result.objects().first)
    #expect(
      object.keys.sorted() == [
        "accuracy", "bits_per_byte", "gold", "harmless", "helpful", "honest", "kind", "kl",
        "length_correlation", "length_correlation_within_prompts", "loss", "margin", "mean_tokens", "model",
        "n", "pairs", "prompts", "proxy_reward", "refusals_on_lookalikes", "tied_scores", "tokens",
      ])
    return object
  }

  @Test("a model with a world is graded by its rubric, the same for a seed and for any threads")
  func world() throws {
    let few = ["--eval-prompts", "3", "--eval-samples", "2"]
    let measured = try measure([tiny.base] + few)
    for key in ["loss", "bits_per_byte", "gold", "helpful", "mean_tokens", "tokens"] {
      #expect(measured[key]?.number != nil, "\(key)")
    }
    #expect(measured["kl"] == .null && measured["proxy_reward"] == .null)
    for (key, count) in [("gold", 6.0), ("helpful", 6), ("mean_tokens", 6)] {
      #expect(measured["n"]?[key]?.number == count, "\(key)")
    }
    #expect(try #require(measured["n"]?["bits_per_byte"]?.number) > 0)
    #expect(measured["n"]?["kl"] == nil && measured["n"]?["proxy_reward"] == nil)
    #expect(try measure([tiny.base, "--threads", "1"] + few) == measured)
    let chosen = try measure([tiny.base, "--split", "validation"] + few)
    #expect(chosen["gold"] != .null && chosen["gold"] != measured["gold"])
    #expect(chosen["honest"] == .null && chosen["harmless"] == .null)
    let other = try measure([tiny.base, "--seed", "9"] + few)
    #expect(other["loss"] == measured["loss"])
    #expect(other["mean_tokens"] != measured["mean_tokens"] || other["gold"] != measured["gold"])
  }

  @Test("a model's KL to itself is 0; text, prompts, reference and reward model are the user's own")
  func options() throws {
    let own = ["--text", tiny.text, "--prompts", tiny.prompts]
    let measured = try measure(
      [tiny.sft] + own + ["--reference", tiny.sft, "--reward-model", tiny.reward])
    #expect(measured["kl"]?.number == 0)
    #expect(measured["proxy_reward"]?.number != nil)
    #expect(measured["gold"] == .null, "the rubric knows the world's prompts only")
    #expect(measured["kind"]?.string == "sft" && measured["model"]?.string == tiny.sft)
    let other = try measure([tiny.sft] + own + ["--reference", tiny.base])
    #expect(other["kl"]?.number ?? 0 != 0)
    #expect(other["loss"] == measured["loss"])
    // As many tokens as the text has, each document closed on both sides and read from its second.
    let documents = try String(decoding: Files.read(tiny.text), as: UTF8.self)
      .split(separator: "<|endoftext|>").map { try JSON.line(["text": String($0)]) + "\n" }
    let encoded = try program.run("tokenize", tiny.sft, input: documents.joined()).objects()
    let tokens = encoded.reduce(0) { $0 + ($1["tokens"]?.array?.count ?? 0) + 1 }
    #expect(measured["tokens"]?.number == Double(tokens))
  }

  @Test("the answers of best-of-n are liked better, and their KL is its bound")
  func bestOf() throws {
    let own = [tiny.sft, "--text", tiny.text, "--prompts", tiny.prompts, "--reward-model", tiny.reward]
    let plain = try measure(own)
    let best = try measure(own + ["--best-of", "16"])
    #expect(best["proxy_reward"]!.number! > plain["proxy_reward"]!.number!)
    #expect(abs(best["kl"]!.number! - (2.772588722239781 - 15.0 / 16)) < 1e-12)
    #expect(best["loss"] == plain["loss"])
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--prompts", tiny.prompts, "--best-of", "2"], code: 64, ["--reward-model"])
    try tiny.expectRefusal(
      ["eval"] + own + ["--best-of", "2", "--reference", tiny.sft], code: 64, ["--reference"])
  }

  @Test("a trained model in int8 has a perplexity within a hundredth of its own")
  func int8() throws {
    let int8 = try program.fresh("base-int8.trlhf")
    try #require(try program.run("quantize", "builtin:base", "-o", int8).exitCode == 0)
    let few = ["--eval-prompts", "1", "--eval-samples", "1", "--eval-documents", "120"]
    let loss = try #require(try measure(["builtin:base"] + few)["loss"]?.number)
    let int8Loss = try #require(try measure([int8] + few)["loss"]?.number)
    #expect(loss < 3 && int8Loss != loss)
    #expect(abs(int8Loss - loss) < 0.00995, "\(loss) in float32, \(int8Loss) in int8")
  }

  @Test("token ids are measured in the place of text, every one but a line's first")
  func tokenIds() throws {
    let rows = [[5, 9, 200, 7], [44, 3]]
    let file = try program.write(
      rows.map { try JSON.line(["tokens": $0]) + "\n" }.joined(), to: "windows.jsonl")
    let measured = try measure([tiny.sft, "--tokens", file, "--prompts", tiny.prompts])
    #expect(measured["tokens"]?.number == 4)
    // The same as the log-probabilities of what follows each line's first token.
    let requests = try rows.map { row -> String in
      try JSON.line(["prompt_tokens": Array(row.prefix(1)), "completion_tokens": Array(row.dropFirst())])
    }
    let answers = try program.run(
      "logprobs", tiny.sft, input: requests.map { $0 + "\n" }.joined()
    ).objects()
    let sum = answers.reduce(0.0) { $0 + ($1["sum"]?.number ?? .nan) }
    #expect(abs((measured["loss"]?.number ?? .nan) + sum / 4) < 1e-9)
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--tokens", file, "--text", tiny.text], code: 64, ["--text and --tokens"])
    for (line, what) in [
      (#"{"tokens":[1]}"#, "1 tokens, but must have 2 to"), (#"{"tokens":[1,99999999]}"#, "token 99999999"),
      (#"{"tokens":[1,-1]}"#, "token -1"), (#"{"text":"x"}"#, "tokens"),
      (#"{"tokens":\#(Array(repeating: 5, count: 5000))}"#, "5000 tokens, but must have 2 to"),
    ] {
      let bad = try program.write("\n{\"tokens\":[1,2]}\n\(line)\n", to: "bad-windows.jsonl")
      try tiny.expectRefusal(["eval", tiny.sft, "--tokens", bad], code: 65, ["\(bad):3", what])
    }
  }

  @Test("a reward model's figures are of answers and prompts: no prompt's length, no pairs taken for independent")
  func rewardFigures() throws {
    let long = String(repeating: "and so on ", count: 5)
    let rows = (0..<6).map { number in
      "{\"prompt\":\"Q\(String(repeating: long, count: number % 3)) \(number)\","
        + "\"completions\":[\"x\",\"y\",\"z\"],\"ranks\":[1,2,3]}\n"
    }
    let file = try program.write(rows.joined(), to: "even-answers.jsonl")
    let measured = try measure([tiny.reward, "--comparisons", file])
    #expect(measured["pairs"]?.number == 18 && measured["prompts"]?.number == 6)
    // Every answer has as many tokens.
    #expect(measured["length_correlation"] == .null && measured["length_correlation_within_prompts"] == .null)
    let twice = try program.write((rows + rows).joined(), to: "even-answers-twice.jsonl")
    let again = try measure([tiny.reward, "--comparisons", twice])
    #expect(again["pairs"]?.number == 36 && again["prompts"]?.number == 6)
    #expect(again["accuracy"] == measured["accuracy"], "the same pairs again are no more evidence")
    let one = try program.write(rows[0], to: "one-prompt.jsonl")
    let accuracy = try #require(try measure([tiny.reward, "--comparisons", one])["accuracy"])
    #expect(try #require(accuracy["low"]?.number) < #require(accuracy["high"]?.number))
  }

  @Test("after training, reward says its accuracy on all held-out pairs, as eval measures it")
  func rewardReport() throws {
    let rows = (0..<140).map { "{\"prompt\":\"Question \($0)\",\"chosen\":\"Yes it is.\",\"rejected\":\"no\"}\n" }
    let heldOut = try program.write(rows.joined(), to: "held-out-pairs.jsonl")
    let folder = try program.fresh("reported-reward")
    let made = try program.run(
      ["reward", "-o", folder, "--model", tiny.sft, "--comparisons", tiny.comparisons, "--validation", heldOut, "--json"])
    #expect(made.exitCode == 0, "\(made.errorText)")
    #expect(made.errorText.contains("of 140 held-out pairs of 140 prompts (95 % interval over prompts: "), "\(made.errorText)")
    let said = try #require(try made.objects()[0]["held_out"])
    let measured = try measure(["\(folder)/reward.trlhf", "--comparisons", heldOut, "--seed", "1"])
    #expect(said["pairs"]?.number == 140 && said["prompts"]?.number == 140)
    #expect(said["accuracy"] == measured["accuracy"]?["mean"] && said["accuracy_low"] == measured["accuracy"]?["low"])
  }

  @Test("a reward model is measured on rankings, and on nothing else")
  func rewardModels() throws {
    let measured = try measure([tiny.reward, "--comparisons", tiny.comparisons])
    // Three pairs, two beside a tie, one, one.
    #expect(measured["pairs"]?.number == 7)
    let accuracy = try #require(measured["accuracy"])
    let (low, mean, high) = (accuracy["low"], accuracy["mean"], accuracy["high"])
    #expect(low!.number! <= mean!.number! && mean!.number! <= high!.number!)
    #expect(measured["margin"]?.number != nil && measured["loss"] == .null)
    try tiny.expectRefusal(
      ["eval", tiny.reward], code: 64, [tiny.reward, "ranked answers", "--comparisons"])
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--comparisons", tiny.comparisons], code: 65,
      [tiny.sft, "comparisons measure reward models"])
    try tiny.expectRefusal(
      ["eval", tiny.sft, "--eval-prompts", "0"], code: 64, ["--eval-prompts 0"])
  }

  // MARK: report

  private func arguments(_ folder: String) -> [String] {
    [
      "all", "-o", folder, "--quick", "--quiet", "--model", tiny.base, "--ranking-prompts", "16",
      "--total-episodes", "32", "--ppo-batch-size", "16", "--eval-prompts", "6",
      "--response-length", "12",
    ]
  }

  /// A whole run on the tiny base, and what it printed.
  private func run() throws -> (folder: String, output: String) {
    let folder = "\(program.folder)/reported"
    let printed = "\(program.folder)/reported.txt"
    if !Files.exists("\(folder)/report.html") {
      let result = try program.run(arguments(try program.fresh("reported")))
      try #require(result.exitCode == 0, "\(result.errorText)")
      #expect(result.errorText == "The report is \(folder)/report.html.\n")
      try Files.writeAtomically(result.standardOutput, to: printed)
    }
    return (folder, String(decoding: try Files.read(printed), as: UTF8.self))
  }

  @Test("a copied run folder without its models draws the same report and prints the same table")
  func reports() throws {
    let (folder, output) = try run()
    let copy = try program.fresh("copied")
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for name in [
      "manifest.json", "metrics.jsonl", "metrics.json", "samples.jsonl", "evaluation.json", "summary.json",
    ] {
      try Files.writeAtomically(Files.read("\(folder)/\(name)"), to: "\(copy)/\(name)")
    }
    let report = try program.run("report", copy)
    #expect(report.exitCode == 0, "\(report.errorText)")
    #expect(report.outputText == output)
    #expect(report.errorText == "The report is \(copy)/report.html.\n")
    let page = try Files.read("\(copy)/report.html")
    #expect(try page == Files.read("\(folder)/report.html"))
    let html = String(decoding: page, as: UTF8.self)
    #expect(html.contains("<svg") && !html.contains("http://") && !html.contains("<script src"))

    let json = try program.run("report", copy, "--json")
    let summary = try Files.read("\(folder)/summary.json")
    #expect(String(decoding: summary, as: UTF8.self).hasPrefix(json.outputText.dropLast()))
    #expect(!json.outputText.isEmpty)
  }

  @Test("a run without results yet has a report all the same; a folder that is none has not")
  func reportsEarly() throws {
    let copy = try program.fresh("early")
    try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
    for name in ["manifest.json", "metrics.jsonl"] {
      try Files.writeAtomically(Files.read("\(tiny.ppoFolder)/\(name)"), to: "\(copy)/\(name)")
    }
    let report = try program.run("report", copy)
    #expect(report.exitCode == 0, "\(report.errorText)")
    #expect(report.outputText == "This run has no results yet.\n")
    #expect(Files.exists("\(copy)/report.html"))
    try tiny.expectRefusal(["report", "/usr"], code: 65, ["/usr", "not a run folder"])
    #expect(!Files.exists("/usr/report.html"))
  }

  @Test("two labelers' agreement is that on their own pairs of lines, also after a line of ties")
  func agreement() throws {
    let folder = try program.fresh("agreement")
    try FileManager.default.copyItem(atPath: run().folder, toPath: folder)
    let lines = [("a", "1,1"), ("a", "1,2"), ("b", "1,2"), ("b", "1,2"), ("c", "1,2"), ("c", "2,1")]
      .enumerated().map { line, ranking in
        "{\"prompt\":\"\(ranking.0)\",\"completions\":[\"\(ranking.0)\",\"no\"],\"ranks\":[\(ranking.1)],"
          + "\"labeler\":\"\(line % 2 == 0 ? "ann" : "bob")\"}\n"
      }
    try Files.writeAtomically(
      Array(lines.joined().utf8), to: "\(folder)/rankings-held-out.jsonl")
    // Without its summary the evaluation is unfinished; and the file is not the one that was left.
    try FileManager.default.removeItem(atPath: "\(folder)/summary.json")
    let resumed = try program.run(arguments(folder) + ["--resume", "--json", "--no-verify"])
    try #require(resumed.exitCode == 0, "\(resumed.errorText)")
    let summary = try JSON.decode(
      [String: JSONValue].self, from: resumed.standardOutput, at: "summary")
    // They agree on b, disagree on c, and a tie counts for neither.
    #expect(summary["reward_model"]?["labeler_agreement"]?.number == 0.5)
    #expect(summary["reward_model"]?["labeler_agreement_pairs"]?.number == 2)
    #expect(summary["reward_model"]?["pairs"]?.number == 5)
  }

  @Test(
    "a terminal gets colour and lines that are redrawn; NO_COLOR and TERM=dumb take them away",
    .enabled(if: Program.script != nil, "there is no script(1) to make a terminal"))
  func terminals() throws {
    let (folder, output) = try run()
    func sft(_ environment: [String: String?]) throws -> String {
      _ = try program.fresh("shown")
      return try program.onTerminal(tiny.sftArguments("shown"), environment)
    }
    let colour = "\u{1B}[1msft\u{1B}[0m"
    let redrawn = "\r\u{1B}[K"
    let plain = try sft([:])
    #expect(plain.contains(redrawn) && plain.contains(colour))
    let colourless = try sft(["NO_COLOR": "1"])
    #expect(colourless.contains(redrawn + "sft") && !colourless.contains("\u{1B}[1m"))
    #expect(try !sft(["TERM": "dumb"]).contains("\u{1B}"))

    #expect(try program.onTerminal(["report", folder], [:]).contains("\u{1B}["))
    let table = output.replacing("\n", with: "\r\n")
    for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
      #expect(try program.onTerminal(["report", folder], environment).hasPrefix(table))
    }
  }

  @Test("progress goes to standard error in plain lines, and not at all under --quiet")
  func quiet() throws {
    _ = try program.fresh("loud")
    let loud = try program.run(tiny.sftArguments("loud"))
    #expect(loud.standardOutput.isEmpty)
    #expect(!loud.errorText.contains("\u{1B}") && !loud.errorText.contains("\r"))
    #expect(loud.errorText.contains("sft  step 6/6"), "\(loud.errorText)")
    let folder = try program.fresh("quiet")
    let quiet = try program.run(tiny.sftArguments("quiet") + ["--quiet"])
    #expect(quiet.standardOutput.isEmpty)
    #expect(quiet.errorText == "The fine-tuned model is \(folder)/sft.trlhf.\n")
  }
}
