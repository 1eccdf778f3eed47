import FoundationEssentials
import Support
import Testing

/// The built program, spawned with a tiny model that it makes itself.
private struct Program {
  let binary: String
  let folder: String
  var base: String { "\(folder)/base/base.trlhf" }

  init() throws {
    let variables = ProcessInfo.processInfo.environment
    let products = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
      .dropLast().joined(separator: "/")
    let candidates = [
      variables["TINYRLHF_BINARY"], "\(products)/tinyrlhf",
      ".build/x86_64-unknown-linux-gnu/release/tinyrlhf",
      ".build/aarch64-unknown-linux-gnu/release/tinyrlhf", ".build/release/tinyrlhf",
    ].compactMap { $0 }
    binary = try #require(candidates.first(where: Files.exists), "no built program in \(candidates)")
    folder = "/tmp/tinyrlhf-commands-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if !Files.exists(base) {
      let made = try run(
        "pretrain", "-o", "\(folder)/base", "--quick", "--steps", "3", "--layers", "1", "--d-model",
        "32", "--heads", "2", "--vocab", "300", "--context", "128", "--quiet")
      try #require(made.exitCode == 0, "\(made.errorText)")
    }
  }

  func run(_ arguments: String..., input: String = "") throws -> ChildProcess.Result {
    try ChildProcess.run(binary, arguments, input: Array(input.utf8), timeout: 60)
  }
}

@Suite(.serialized) struct CommandTests {
  private func objects(_ result: ChildProcess.Result) throws -> [[String: JSONValue]] {
    try result.outputText.split(separator: "\n").map {
      try JSON.decode([String: JSONValue].self, from: Array($0.utf8), at: "output")
    }
  }

  @Test("Tokens of a text decode to the text; a bad line is named and the others are answered")
  func tokenizes() throws {
    let program = try Program()
    let tokens = try program.run(
      "tokenize", program.base, input: "{\"text\":\"Hé!\"}\n{bad\n{\"text\":\"b\"}\n")
    #expect(tokens.exitCode == 65)
    #expect(tokens.errorText.contains("stdin:2"))
    #expect(try objects(tokens).count == 2)
    let text = try program.run("tokenize", program.base, "--decode", input: tokens.outputText)
    #expect(try objects(text).map { $0["text"]?.string } == ["Hé!", "b"])
  }

  @Test("Generated tokens and log-probabilities are the same on one thread and on two")
  func generates() throws {
    let program = try Program()
    var outputs: [String] = []
    for threads in ["1", "2"] {
      let answers = try program.run(
        "generate", program.base, "--max-new-tokens", "8", "--threads", threads,
        input: "{\"prompt\":\"Hi\"}\n{\"prompt_tokens\":[2,50,3]}\n")
      #expect(answers.exitCode == 0, "\(answers.errorText)")
      let keys = try objects(answers).map { $0.keys.sorted() }
      #expect(keys == Array(repeating: ["completion", "finish", "prompt", "tokens"], count: 2))
      let scores = try program.run(
        "logprobs", program.base, "--threads", threads,
        input: "{\"prompt\":\"Hi\",\"completion\":\"Yes\"}\n")
      #expect(try objects(scores).first?.keys.sorted() == ["logprobs", "sum", "tokens"])
      outputs.append(answers.outputText + scores.outputText)
    }
    #expect(outputs[0] == outputs[1])
  }

  @Test("An unpacked archive is the packed checkpoint, and the archive inspects as it does")
  func packs() throws {
    let program = try Program()
    let (archive, copy) = ("\(program.folder)/a.trlhf.zst", "\(program.folder)/a.trlhf")
    #expect(try program.run("pack", program.base, "-o", archive, "--force").exitCode == 0)
    #expect(try program.run("unpack", archive, "-o", copy, "--force").exitCode == 0)
    #expect(try Files.read(copy) == Files.read(program.base))
    #expect(try program.run("pack", program.base, "-o", archive).exitCode == 73)
    let inspected = try objects(program.run("inspect", copy, "--json", "--verify"))
    #expect(inspected.first?["training"]?["kind"]?.string == "base")
  }

  @Test("A missing file, a file of another format and a model of the wrong kind have their exit codes")
  func refuses() throws {
    let program = try Program()
    #expect(try program.run("tokenize", "\(program.folder)/none.trlhf").exitCode == 74)
    #expect(try program.run("inspect", program.binary).exitCode == 65)
    let score = try program.run("score", program.base)
    #expect(score.exitCode == 65)
    #expect(score.errorText.contains("a reward model is needed"))
    let long = String(repeating: "a b ", count: 200)
    let prompt = try program.run("generate", program.base, input: "{\"prompt\":\"\(long)\"}\n")
    #expect(prompt.exitCode == 65)
    #expect(prompt.errorText.contains("stdin:1"))
    #expect(try program.run("pretrain", "-o", "\(program.folder)/base", "--quick").exitCode != 0)
  }
}
