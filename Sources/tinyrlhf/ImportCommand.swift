import ArgumentParser
import Checkpoints
import Interchange
import Recipe
import Support
import Tensors
import Tokenizers

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a checkpoint of a model in Hugging Face's form.",
    discussion: """
      DIR holds config.json, the weights as safetensors (one file, or shards with their index; F32, F16 or \
      BF16) and tokenizer.json. GPT-2, GPT-NeoX, Llama, Qwen2 and Qwen3 are understood, and their \
      sequence classifiers with one label as reward models. What this program would compute otherwise than \
      the one that trained the model is refused by name.

      The weights are made float32, which is exact, or int8 with --int8. They are read tensor by tensor: \
      memory does not grow with the model.
      """)

  @Argument(help: ArgumentHelp("The folder of the model.", valueName: "dir")) var folder: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The checkpoint.", valueName: "file"))
  var output: String
  @Flag(name: .customLong("int8"), help: "Weights in int8: a model to use, not to train. Says what that changes.")
  var isInt8 = false
  @OptionGroup var measuring: Int8MeasureOptions
  @OptionGroup var chat: ChatOptions
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The longest sequence, in tokens: memory grows with it. The model's own without it.",
      valueName: "n"))
  var context: Int?
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile
  @OptionGroup var compute: ComputeOptions

  /// From here on the activations of one sequence take gigabytes.
  private static let longContext = 8192

  func run() throws {
    var idle = IdleOptions()
    idle.add("--text", if: measuring.text != nil && !isInt8, because: "only --int8 is compared with float32")
    try idle.refuse()
    try InputFiles.require([folder, chat.chatTemplate, measuring.text])
    try target.check(output)
    let texts = try measuring.read()
    let model = try HuggingFaceModel(folder: folder, context: context)
    let (tokenizer, notes) = try HuggingFaceTokenizer.read(
      folder: folder, vocabulary: model.architecture.vocabulary, chat: chat.choice())
    var warnings = model.warnings + notes
    for warning in warnings { Console.error("warning: \(warning)") }
    let checkpoint = try ImportedCheckpoint(
      isReward: model.isReward, architecture: model.architecture, tokenizer: tokenizer,
      files: model.sources(), padToken: model.padToken,
      configuration: [
        "class": .string(model.className), "context": .number(Double(model.architecture.context)),
        "precision": .string(isInt8 ? "int8" : "float32"),
      ])
    let gap = try write(checkpoint, model, texts)
    if model.isReward && !model.isNormalized { warnings.append(Self.rawScores) }
    try made.report(
      output, try report(model, tokenizer) + (gap.map { "\n\(measuring.text(of: $0))" } ?? ""),
      ["warnings": .array(warnings.map { .string($0) })].merging(gap.map { ["int8": $0.json] } ?? [:]) { $1 })
  }

  /// - Returns: how far an int8 model is from float32.
  private func write(_ checkpoint: ImportedCheckpoint, _ model: HuggingFaceModel, _ texts: [String]?) throws -> Int8Gap? {
    guard isInt8 else {
      try checkpoint.write(model.tensors, to: output)
      return nil
    }
    guard !model.isReward else {
      throw Failure(
        .badData, "is a reward model, and language models alone have an int8 form", at: folder,
        remedy: "Import it without --int8.")
    }
    return try checkpoint.writeInt8(model.tensors, to: output, threads: compute.threads) {
      try measuring.measure($0, $1, texts, threads: compute.threads)
    }
  }

  private static let rawScores =
    "This reward model has no normalisation: its scores are the classifier's logits. PPO scales them by the "
    + "answers of the model that it starts from; `tinyrlhf reward --epochs 0` by demonstrations, for good."

  private func report(_ model: HuggingFaceModel, _ tokenizer: Tokenizer) throws -> String {
    let bytes = try Checkpoint(path: output).fileBytes
    var text =
      "The checkpoint is \(output): \(model.className), "
      + "\(Formatting.fixed(Double(model.parameterCount) / 1e6, 2)) million parameters, "
      + "\(Formatting.bytes(bytes)), \(tokenizer.chatFormat.shown)."
    if model.architecture.context > Self.longContext {
      text += "\nIts context of \(model.architecture.context) tokens takes much memory; --context limits it."
    }
    if model.isReward && !model.isNormalized {
      text += "\n\(Self.rawScores)"
    }
    return text
  }
}
