import Checkpoints
import Support
import TestSupport
import Testing

/// Data of a few lines and the models that the program makes of them, once for all tests.
struct TinyModels {
  let program: Program
  let demonstrations: String
  let comparisons: String
  let prompts: String
  let text: String
  var base: String { program.base }
  var sft: String { "\(program.folder)/tiny-sft/sft.trlhf" }
  var reward: String { "\(program.folder)/tiny-reward/reward.trlhf" }
  /// The run folder of `ppo`.
  var ppoFolder: String { "\(program.folder)/tiny-ppo" }

  private static let shared = Result { try TinyModels(made: Program()) }

  init() throws { self = try Self.shared.get() }

  private init(made program: Program) throws {
    self.program = program
    demonstrations = try program.write(
      """
      {"prompt":"Hi","completion":"Hello."}
      {"prompt":"Who?","completion":"The cat."}
      {"prompt":"Where?","completion":"On the mat."}
      {"prompt":"What?","completion":"Two and two are four."}

      """, to: "demonstrations.jsonl")
    comparisons = try program.write(
      """
      {"prompt":"Hi","completions":["Hello.","No.","Cat."],"ranks":[1,3,2]}
      {"prompt":"Who?","completions":["The cat.","Bird","x"],"ranks":[1,2,2]}
      {"prompt":"Where?","completions":["On the mat.","no"],"ranks":[1,2]}
      {"prompt":"What?","completions":["Two and two are four.","y"],"ranks":[1,2]}

      """, to: "comparisons.jsonl")
    prompts = try program.write(
      "{\"prompt\":\"Hi\"}\n{\"prompt\":\"Who?\"}\n", to: "prompts.jsonl")
    text = try program.write(
      """
      The cat sat on the mat. The dog ran to the cat.<|endoftext|>The sun is warm. The moon is
      cold. A bird can fly over the hill.<|endoftext|>One and two are three. Two and two are four.

      """, to: "text.txt")
    for arguments in [
      sftArguments("tiny-sft"), rewardArguments("tiny-reward"), ppoArguments("tiny-ppo"),
    ] {
      let made = try program.run(arguments)
      try #require(made.exitCode == 0, "\(made.errorText)")
    }
  }

  // MARK: The stages' commands, with their output folder's name in the tests' folder

  func sftArguments(_ folder: String, model: String? = nil, data: String? = nil) -> [String] {
    [
      "sft", "-o", "\(program.folder)/\(folder)", "--model", model ?? base, "--demonstrations",
      data ?? demonstrations, "--batch-size", "2", "--epochs", "3",
    ]
  }

  func rewardArguments(_ folder: String, model: String? = nil, data: String? = nil) -> [String] {
    [
      "reward", "-o", "\(program.folder)/\(folder)", "--model", model ?? sft, "--comparisons",
      data ?? comparisons,
    ]
  }

  func ppoArguments(
    _ folder: String, model: String? = nil, reward: String? = nil, data: String? = nil
  ) -> [String] {
    [
      "ppo", "-o", "\(program.folder)/\(folder)", "--model", model ?? sft, "--reward-model",
      reward ?? self.reward, "--prompts", data ?? prompts, "--pretraining-text", text,
      "--total-episodes", "16", "--batch-size", "8", "--response-length", "8",
    ]
  }

  /// The float32 tensors of a checkpoint's policy, by name.
  static func tensors(_ path: String, _ kind: SectionKind = .weights) throws -> [String: [Float]] {
    let checkpoint = try Checkpoint(path: path)
    return withExtendedLifetime(checkpoint) {
      Dictionary(
        uniqueKeysWithValues: checkpoint.tensors(in: kind, role: .policy).map {
          ($0.name, Array(UnsafeBufferPointer(start: $0.floats, count: $0.count)))
        })
    }
  }

  // MARK: Forgeries

  /// A whole checkpoint, with right hashes, that differs from another in its float32 tensors.
  /// - Parameter change: gets each tensor's name and values; false leaves the tensor out.
  func forge(
    _ source: String, _ name: String, _ change: (String, UnsafeMutableBufferPointer<Float>) -> Bool
  ) throws -> String {
    let original = try Checkpoint(path: source, access: .copyOnWrite)
    let tensors = original.sections.filter { $0.kind == .weights || $0.kind == .head }
      .flatMap { original.tensors(in: $0.kind, role: $0.role) }
      .filter {
        change(
          $0.name,
          UnsafeMutableBufferPointer(start: $0.floats, count: $0.count))
      }
    let path = "\(program.folder)/\(name)"
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: original.architecture, training: original.training,
        identity: original.identity, configuration: original.configuration,
        tokenizer: original.tokenizer,
        tensors: tensors.map {
          TensorSource(
            section: $0.section, role: $0.role, name: $0.name, dims: $0.dims, type: $0.type!,
            bytes: UnsafeRawBufferPointer($0.bytes))
        }, provenance: original.provenance),
      to: path)
    return path
  }

  /// The checkpoint with one weight that is no number.
  func withNaN(_ source: String, _ name: String) throws -> String {
    try forge(source, name) { tensor, values in
      if tensor == "layers.0.norm1.weight" { values[5] = .nan }
      return true
    }
  }

  // MARK: Laws of refusals

  /// A refusal has its exit code, names what and where, says what to do about it, and brings no
  /// data.
  func expectRefusal(
    _ arguments: [String], input: String = "", code: Int32, _ phrases: [String],
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let result = try program.run(arguments, input: input)
    let command = "\(arguments.joined(separator: " ")): \(result.errorText)"
    #expect(result.exitCode == code, "\(command)", sourceLocation: location)
    let lines = result.errorText.split(separator: "\n")
    let last = lines.last { $0.hasPrefix("tinyrlhf: ") } ?? ""
    for phrase in phrases {
      #expect(last.contains(phrase), "\(phrase) in \(command)", sourceLocation: location)
    }
    // A failure's last sentence is its remedy; what is wrong stands without a full stop.
    #expect(last.hasSuffix(".") || last.hasSuffix("?"), "no remedy in \(command)", sourceLocation: location)
    #expect(result.standardOutput.isEmpty, "\(result.outputText)", sourceLocation: location)
  }
}
