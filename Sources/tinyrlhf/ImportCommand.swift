import ArgumentParser
import Checkpoints
import Evaluation
import Inference
import Interchange
import Stages
import Support
import Tokenizers

struct Import: ParsableCommand {
  /// The type in which matrices are stored.
  enum StoredType: String, CaseIterable, ExpressibleByArgument {
    case asStored = "as-stored"
    case float32, bfloat16, float16

    var imported: ImportedType {
      switch self {
      case .asStored: .asStored
      case .float32: .all(.float32)
      case .bfloat16: .all(.bfloat16)
      case .float16: .all(.float16)
      }
    }
  }

  static let configuration = CommandConfiguration(
    abstract: "Convert a Hugging Face model or a GGUF file to a checkpoint.",
    discussion: """
      MODEL is a folder or a file. A folder has config.json, the weights as safetensors (one file, or shards \
      with their index; F32, F16 or BF16) and tokenizer.json. A GGUF file, the format of llama.cpp, has all of it \
      in one file; its weights may be F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 or Q2_K to Q6_K. Supported \
      architectures: GPT-2, GPT-NeoX, Llama, Qwen2, Qwen3, Mistral, SmolLM3, OLMo 2, Granite, Gemma 2, Gemma 3 \
      (text) and Phi-3; in folders also their sequence classifiers with one label, where `transformers` has such \
      a class, which become reward models. Settings that this program would compute differently are rejected by name.

      Matrices in bfloat16 or float16 stay so; all other weights become float32. This is exact, and every result has \
      the same bits as with float32 weights, from half of the memory. A model that is trained is copied to float32. \
      --dtype stores all matrices in one type, and says how many values it rounded; --int8 makes them int8. Weights \
      are read tensor by tensor, so memory does not grow with the model. --int8 also runs the model, to balance and \
      to measure it: while it runs, the model is in a temporary file beside FILE, and memory grows with the context.
      """)

  @Argument(help: ArgumentHelp("The folder of the model, or its GGUF file.", valueName: "model"))
  var source: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The checkpoint.", valueName: "file"))
  var output: String
  @Flag(
    name: .customLong("int8"),
    help: "Store int8 weights: the model can be used but not trained. Prints how far it is from float32.")
  var isInt8 = false
  @Option(
    name: .customLong("dtype"),
    help: "The type of the stored matrices; positions, norms and biases are float32.")
  var type: StoredType = .asStored
  @OptionGroup var measuring: Int8MeasureOptions
  @OptionGroup var chat: ChatOptions
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The longest sequence, in tokens; memory grows with it (default: the model's own).",
      valueName: "n"))
  var context: Int?
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile
  @OptionGroup var compute: ComputeOptions

  /// From this context on [tokens], the activations of one sequence take gigabytes.
  private static let longContext = 8192

  func run() throws {
    var idle = IdleOptions()
    idle.add("--text", if: measuring.text != nil && !isInt8, because: "only an --int8 model is compared with float32")
    idle.add("--dtype", if: isInt8 && type != .asStored, because: "--int8 stores the matrices in int8")
    try idle.refuse()
    try InputFiles.require([source, chat.chatTemplate, measuring.text])
    try target.check(output)
    let texts = try measuring.read()
    let model = try IncomingModels.open(source, context: context)
    let (tokenizer, notes) = try model.tokenizer(chat.choice())
    var warnings = model.warnings + notes
    for warning in warnings { Console.error("warning: \(warning)") }
    let rounding = RoundingCount()
    let tensors = model.tensors(as: type.imported, rounding)
    let checkpoint = try ImportedCheckpoint(
      isReward: model.isReward, architecture: model.architecture, tokenizer: tokenizer,
      files: model.sources(), padToken: model.padToken,
      configuration: [
        "class": .string(model.className), "context": .number(Double(model.architecture.context)),
        "precision": .string(isInt8 ? "int8" : Self.precision(of: tensors)),
      ])
    let gap = try write(checkpoint, tensors, isReward: model.isReward, texts)
    var report = try report(model, tokenizer)
    if rounding.changed > 0 {
      let sentence = "--dtype \(type.rawValue) rounded \(rounding.changed) of \(rounding.all) values of the matrices."
      warnings.append(sentence)
      report += "\n\(sentence)"
    }
    if model.isReward && !model.isNormalized { warnings.append(Self.rawScores) }
    try made.report(
      output, sentence: report + (gap.map { "\n\(measuring.text(of: $0))" } ?? ""),
      ["warnings": .array(warnings.map { .string($0) })].merging(gap.map { ["int8": $0.json] } ?? [:]) { $1 })
  }

  /// The types of the matrices.
  private static func precision(of tensors: [TensorSource]) -> String {
    let types = Set(tensors.map(\.type)).subtracting([.float32]).map { "\($0)" }.sorted()
    return types.isEmpty ? "float32" : types.joined(separator: ", ")
  }

  /// - Returns: how far the int8 model is from float32; nil without `--int8`.
  private func write(
    _ checkpoint: ImportedCheckpoint, _ tensors: [TensorSource], isReward: Bool, _ texts: [String]?
  ) throws -> Int8Gap? {
    guard isInt8 else {
      try checkpoint.write(tensors, to: output)
      return nil
    }
    guard !isReward else {
      throw Failure(
        .badData, "is a reward model, and only language models can be int8", at: source,
        remedy: "Import it without --int8.")
    }
    return try checkpoint.writeInt8(tensors, to: output, threads: compute.threads) {
      try measuring.measure(int8: $0, float32: $1, on: texts, threads: compute.threads)
    }
  }

  private static let rawScores =
    "This reward model has no normalisation: its scores are the classifier's logits. PPO normalises them with the "
      + "answers of the model that it starts from. `tinyrlhf reward --epochs 0` normalises them with demonstrations, "
      + "permanently."

  private func report(_ model: any IncomingModel, _ tokenizer: Tokenizer) throws -> String {
    let bytes = try Checkpoint(path: output).fileBytes
    var text =
      "The checkpoint is \(output): \(model.className), "
      + "\(Formatting.fixed(Double(model.parameterCount) / 1e6, 2)) million parameters, "
      + "\(Formatting.bytes(bytes)), \(tokenizer.chatFormat.shown)."
    if !model.quantizedTypes.isEmpty {
      text += "\nIts weights were quantised to \(Spelling.list(model.quantizedTypes)); that loss of precision remains."
    }
    if model.architecture.context > Self.longContext {
      text += "\nIts context of \(model.architecture.context) tokens takes much memory; --context limits it."
    }
    if model.isReward && !model.isNormalized {
      text += "\n\(Self.rawScores)"
    }
    return text
  }
}
