import Checkpoints
import Support
import TestSupport
import Testing

/// `--value-model shared`, by the program itself.
@Suite(.serialized) struct ValueModelTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }
  private static let shared = ["--value-model", "shared", "--total-episodes", "32", "--quiet"]

  init() throws { tiny = try TinyModels() }

  private func run(_ arguments: [String]) throws {
    let result = try program.run(arguments)
    try #require(result.exitCode == 0, "\(result.errorText)")
  }

  /// A fresh folder with a finished run of PPO.
  private func finished(_ name: String, _ options: [String]) throws -> String {
    let folder = try program.fresh(name)
    try run(tiny.ppoArguments(name) + options)
    return folder
  }

  private func tensors(_ path: String) throws -> [String] {
    let checkpoint = try Checkpoint(path: path)
    return checkpoint.sections.filter { [.weights, .head, .moments].contains($0.kind) }
      .flatMap { checkpoint.tensors(in: $0.kind, role: $0.role) }
      .map { "\($0.role) \($0.name)" }
  }

  @Test("a separate value model is the default, and naming it changes no byte")
  func separate() throws {
    let named = try finished("value-separate", ["--value-model", "separate"])
    for name in ["ppo.trlhf", "metrics.jsonl"] {
      #expect(
        try Files.read("\(named)/\(name)") == Files.read("\(tiny.ppoFolder)/\(name)"), "\(name)")
    }
  }

  @Test("with a shared trunk the model is the policy alone; training checkpoints have its head, too")
  func files() throws {
    let options = Self.shared + ["--keep", "9", "--save-interval", "0"]
    let folder = try finished("value-shared", options + ["--threads", "1"])
    #expect(try tensors("\(folder)/ppo.trlhf") == tensors("\(tiny.ppoFolder)/ppo.trlhf"))
    let training = try tensors("\(folder)/ppo-00000002.training.trlhf")
    let trunk = try tensors(tiny.sft).count
    let policy = training.filter { $0.hasPrefix("policy ") }
    #expect(policy.count == 3 * (trunk + 2))
    let average = training.filter { $0.hasPrefix("average ") }
    #expect(average.count == trunk && training.count == policy.count + average.count)
    for name in ["head.weight", "head.bias", "m.head.weight", "v.head.bias"] {
      #expect(training.contains("policy \(name)"), "\(name)")
    }
    let path = "\(folder)/metrics.jsonl"
    let log = try Files.read(path).split(separator: 0x0A).map {
      try JSON.decode([String: JSONValue].self, from: Array($0), at: path)
    }
    #expect(log.count == 4)
    // The head begins at 0, and has moved by the second iteration.
    #expect(log[0]["value/explained_variance"]?.number == 0)
    #expect(log[1]["val/value_avg"]?.number != 0 && log[1]["loss/value_avg"]?.number ?? 0 > 0)
    #expect(log.allSatisfy { $0["value/gradient_norm"] == nil })
    #expect(log[0]["objective/kl"]?.number == 0 && log[1]["objective/kl"]?.number != 0)
    let answer = try program.run(
      "generate", "\(folder)/ppo-00000002.training.trlhf", "--max-new-tokens", "4",
      input: "{\"prompt\":\"Hi\"}\n")
    #expect(answer.exitCode == 0, "\(answer.errorText)")

    let twice = try finished("value-two-threads", options + ["--threads", "2"])
    for name in ["ppo.trlhf", "metrics.jsonl", "ppo-00000003.training.trlhf"] {
      #expect(try Files.read("\(folder)/\(name)") == Files.read("\(twice)/\(name)"), "\(name)")
    }
  }

  @Test("PPO with a shared trunk that was stopped ends with the same bytes, and only with a shared one")
  func resumes() throws {
    let whole = try finished("value-whole", Self.shared)
    let faulty = try FaultyFolder(program, "value-stopped")
    let arguments = tiny.ppoArguments("value-stopped/run") + Self.shared + ["--save-interval", "0"]
    let stopped = try faulty.run(arguments, untilNaming: "ppo-00000003.training.trlhf")
    #expect(stopped.exitCode == 74, "\(stopped.errorText)")
    let separate = tiny.ppoArguments("value-stopped/run") + ["--total-episodes", "32", "--resume"]
    try tiny.expectRefusal(separate, code: 64, ["value-model", "shared"])
    try run(arguments + ["--resume"])
    for name in ["ppo.trlhf", "metrics.jsonl"] {
      #expect(try Files.read("\(faulty.path)/run/\(name)") == Files.read("\(whole)/\(name)"), "\(name)")
    }
  }

  @Test("a shared trunk saves the memory of a model and of its moments, says plan")
  func plan() throws {
    func bytes(_ valueModel: String) throws -> Double {
      let result = try program.run(
        ["plan", "ppo", "--model", tiny.base, "--json", "--value-model", valueModel])
      try #require(result.exitCode == 0, "\(result.errorText)")
      let stage = try #require(try result.objects()[0]["stages"]?.array?.first)
      // The program's own share is measured, and differs by some pages.
      return try #require(stage["bytes"]?.number) - #require(stage["program_bytes"]?.number)
    }
    let checkpoint = try Checkpoint(path: tiny.base)
    let model = checkpoint.tensors(in: .weights, role: .policy).reduce(0) { $0 + $1.bytes.count }
    let saved = try bytes("separate") - bytes("shared")
    #expect(saved >= 3 * Double(model) && saved < 3.5 * Double(model), "\(saved), \(model)")
  }

  @Test("what is no value model is refused by name")
  func refusal() throws {
    try tiny.expectRefusal(
      tiny.ppoArguments("no") + ["--value-model", "both"], code: 64,
      ["--value-model both", "separate, shared"])
  }
}
