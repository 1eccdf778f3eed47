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
    abstract: "Make of a model what other programs load: a folder for transformers, or a GGUF file.",
    discussion: """
      --format huggingface writes config.json, model.safetensors and the tokenizer's files into a folder. A \
      reward model becomes a sequence classifier with one label; its head's bias and its normalisation \
      stand in config.json under "tinyrlhf_reward", and `tinyrlhf import` reads them back: \
      reward = gain · (logit + head_bias) + bias.

      --format gguf writes one file for llama.cpp: of language models only, and of those whose text \
      llama.cpp cuts into tokens as they do, which it does not for tokenizers that this program trained \
      (builtin:base has one). The file has the chat template and its special tokens. Beside it a Modelfile is \
      written, for Ollama. llama.cpp composes no text (NFC), and before a text that begins with a space \
      SentencePiece's tokenizers get another.

      An int8 model is not exported: export the float32 model that it was made of.
      """)

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The folder, or the GGUF file.", valueName: "path"))
  var output: String
  @Option(help: "What to write.") var format: Format = .huggingface
  @Option(
    name: .customLong("dtype"),
    help: "How the weights are stored. huggingface: not q8_0; gguf: not bfloat16.")
  var type: NumberType = .float32
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var target: FileOutput
  @OptionGroup var made: MadeFile

  func validate() throws {
    guard let name = output.split(separator: "/").last, name != ".", name != ".." else {
      throw ValidationError("-o \"\(output)\" is no name for what is made.")
    }
    guard format != .gguf || name.lowercased() != "modelfile" else {
      throw ValidationError("-o \"\(output)\" is the name of the file for Ollama that is written beside the GGUF file.")
    }
    guard format == .gguf ? type.gguf != nil : type.element != nil else {
      throw ValidationError("--dtype \(type.rawValue) does not exist in --format \(format.rawValue).")
    }
  }

  func run() throws {
    let source = try ModelSource.open(model, verification)
    // What is begun is then removed.
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
      notes = ["For Ollama there is \(written.path)."] + written.notes
    }
    let report = "The model is \(output), as \(type.rawValue) for "
      + (format == .gguf ? "llama.cpp." : "transformers.")
    try made.report(output, ([report] + notes).joined(separator: "\n"))
  }
}
