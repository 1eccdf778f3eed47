import ArgumentParser
import Datasets
import Interchange
import Support
import Tokenizers

struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "{\"text\"} a line in, {\"tokens\"} out; --decode for the inverse.",
    discussion: "Text never yields a special token, and special tokens have no text.")

  @Argument(help: "\(ModelSource.help) Or a folder with a tokenizer.json, or that file.")
  var model: String
  @OptionGroup var machine: AlwaysJSON
  @Flag(help: "{\"tokens\"} in, {\"text\"} out.") var decode = false
  @Flag(help: "Say on standard error how fast text was encoded, reading and writing apart.") var rate = false

  private struct Text: Codable { let text: String }
  private struct Tokens: Codable { let tokens: [Int32] }

  func run() throws {
    let tokenizer =
      HuggingFaceTokenizer.isTokenizer(model)
      ? try HuggingFaceTokenizer.read(model) : try ModelSource.open(model).tokenizer
    if decode {
      try JSONLines.run(
        prepare: { fields, place in
          guard let tokens = try fields.tokens("tokens") else {
            throw Failure(.badData, "the key \"tokens\" is missing", remedy: "Give a list of token ids.")
          }
          try tokenizer.check(tokens, at: place)
          return tokens
        },
        answer: { jobs in jobs.map { Text(text: tokenizer.decodeString($0.value)) } })
    } else {
      var (seconds, bytes, tokens) = (1e-9, 0, 0)
      try JSONLines.run(
        prepare: { fields, _ in try fields.text("text") },
        answer: { jobs in
          let start = Clock.processor()
          let answers = jobs.map { Tokens(tokens: tokenizer.encode($0.value)) }
          seconds += Clock.processor() - start
          bytes += jobs.reduce(0) { $0 + $1.value.utf8.count }
          tokens += answers.reduce(0) { $0 + $1.tokens.count }
          return answers
        })
      guard rate else { return }
      let rate = Formatting.fixed(Double(bytes) / seconds / 1e6, 1)
      Console.error("\(bytes) bytes became \(tokens) tokens, on one processor at \(rate) MB/s.")
    }
  }
}
