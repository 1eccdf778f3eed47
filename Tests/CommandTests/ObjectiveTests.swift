import Support
import TestSupport
import Testing

/// Options that choose what is learnt, and errors as programs read them.
@Suite(.serialized) struct ObjectiveTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private func lines(_ folder: String) throws -> [JSONValue] {
    try String(decoding: Files.read("\(folder)/metrics.jsonl"), as: UTF8.self).split(separator: "\n")
      .map { try JSON.parse(Array($0.utf8), at: "metrics.jsonl") }
  }

  @Test("dynamic fine-tuning learns another model, logs its own loss, and is in the model's record")
  func dynamicFineTuning() throws {
    let (plain, folder) = (try program.fresh("objective-nll"), try program.fresh("objective-dft"))
    for (arguments, name) in [([], "objective-nll"), (["--loss", "dft"], "objective-dft")] as [([String], String)] {
      let made = try program.run(tiny.sftArguments(name) + arguments)
      try #require(made.exitCode == 0, "\(made.errorText)")
    }
    #expect(try Files.read("\(plain)/sft.trlhf") != Files.read("\(folder)/sft.trlhf"))
    let first = try #require(try lines(folder).first)
    #expect(first["loss/dft"]?.number != nil && first["loss/train"] == nil)
    #expect(try lines(plain).first?["loss/train"]?.number != nil)
    let record = try program.run("inspect", "\(folder)/sft.trlhf", "--json")
    #expect(record.outputText.contains("\"sft-loss\":\"dft\""))
    #expect(try !program.run("inspect", "\(plain)/sft.trlhf", "--json").outputText.contains("sft-loss"))
    #expect(try program.run(tiny.sftArguments("objective-no") + ["--loss", "none"]).exitCode == 64)
  }

  @Test("the KL at which an update is skipped is the user's")
  func largestUpdate() throws {
    let folder = try program.fresh("objective-kl")
    let made = try program.run(
      tiny.ppoArguments("objective-kl") + ["--max-update-kl", "0.000001", "--num-ppo-epochs", "4"])
    try #require(made.exitCode == 0, "\(made.errorText)")
    let skipped = try lines(folder).compactMap { $0["policy/skipped_updates"]?.number }
    #expect(try #require(skipped.last) > 0)
  }

  @Test("an error is one JSON object where a program asks for it, with a stable code")
  func errors() throws {
    func error(_ arguments: [String], input: String = "") throws -> (code: Int32, error: JSONValue) {
      let result = try program.run(arguments, input: input, environment: ["TINYRLHF_ERRORS": "json"])
      let line = try #require(result.errorText.split(separator: "\n").last)
      let object = try JSON.parse(Array(line.utf8), at: "standard error")
      return (result.exitCode, try #require(object["error"]))
    }
    let missing = try error(["inspect", "\(program.folder)/none.trlhf"])
    #expect(missing.code == 74 && missing.error["code"] == .string("not_found"))
    #expect(missing.error["exit_code"]?.number == 74 && missing.error["message"] != nil)
    #expect(try error(["sft"]).error["code"] == .string("usage"))
    #expect(try error(["generate", tiny.sft], input: "{\"prompt\":\n").error["code"] == .string("invalid_json"))
    let long = String(repeating: "word ", count: 500)
    #expect(
      try error(["generate", tiny.sft], input: "{\"prompt\":\"\(long)\"}\n").error["code"]
        == .string("context_exceeded"))
    #expect(try error(["score", tiny.sft], input: "").error["code"] == .string("wrong_model"))
    #expect(try error(["generate", tiny.sft, "--top-p", "x"]).error["code"] == .string("usage"))
  }
}
