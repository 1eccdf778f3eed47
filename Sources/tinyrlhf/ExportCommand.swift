import ArgumentParser
import Inference
import Interchange
import Support

struct Export: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case huggingface, gguf
  }

  enum NumberType: String, CaseIterable, ExpressibleByArgument {
    case float32, bfloat16, float16, q8 = "q8_0"

    var element: ElementType? {
      switch self {
      case .float32: .float32
      case .bfloat16: .bfloat16
      case .float16: .float16
      case .q8: nil
      }
    }

    var gguf: GGUFExport.Precision? { GGUFExport.Precision(rawValue: rawValue) }
  }

  static let configuration = CommandConfiguration(
    abstract: "Write a model for other programs: a folder for transformers, or a GGUF file for llama.cpp.",
    discussion: """
      --format huggingface writes config.json, model.safetensors and the tokenizer's files into a folder. A \
      reward model becomes a sequence classifier with one label; the bias of its head and its normalisation \
      are in config.json under "tinyrlhf_reward", and `tinyrlhf import` reads them back: \
      reward = gain · (logit + head_bias) + bias.

      --format gguf writes one file for llama.cpp, and a Modelfile for Ollama beside it. It exports only language \
      models, and only if llama.cpp splits text into the same tokens; it does not for tokenizers that this \
      program trained, such as that of builtin:base. The file has the chat template and its special tokens. \
      llama.cpp does not normalise text (NFC), and for SentencePiece tokenizers it adds a space even before a \
      text that begins with one.

      An int8 model cannot be exported: export the model that it was made from.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder, or the GGUF file.", valueName: "path"))
  var output: String
  @Option(help: "What to write.") var format: Format = .huggingface
  @Option(
    name: .customLong("dtype"),
    help: "Number type of the weights. huggingface has no q8_0, gguf has no bfloat16.")
  var type: NumberType = .float32
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile

  func validate() throws {
    guard let name = output.split(separator: "/").last, name != ".", name != ".." else {
      throw ValidationError("-o \"\(output)\" is not a file or folder name.")
    }
    guard format != .gguf || name.lowercased() != "modelfile" else {
      throw ValidationError("-o \"\(output)\" is the name of the Ollama file that is written beside the GGUF file.")
    }
    guard format == .gguf ? type.gguf != nil : type.element != nil else {
      throw ValidationError("--dtype \(type.rawValue) is not available in --format \(format.rawValue).")
    }
  }

  func run() throws {
    let source = try ModelSource.open(model, verification)
    // An interrupted export then removes its unfinished files.
    Signals.catchInterrupts()
    var notes: [String] = []
    switch format {
    case .huggingface:
      try HuggingFaceExport.write(
        source.file, source.tokenizer, to: output, type: type.element!, padToken: source.padToken(),
        replacing: target.force)
    case .gguf:
      try GGUFExport.requireNoFolder(at: output)
      try target.check(output)
      let modelfile = Modelfile.path(besideGGUF: output)
      try target.check(modelfile)
      try GGUFExport.write(
        source.file, source.tokenizer, to: output, precision: type.gguf!)
      let written = try Modelfile.write(source.tokenizer, besideGGUF: output)
      notes = ["The file for Ollama is \(written.path)."] + written.notes
    }
    let report = "The model is \(output), as \(type.rawValue) for "
      + (format == .gguf ? "llama.cpp." : "transformers.")
    try made.report(output, sentence: ([report] + notes).joined(separator: "\n"))
  }
}
