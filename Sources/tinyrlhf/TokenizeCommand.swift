import ArgumentParser
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

  private struct Text: Codable { let text: String }
  private struct Tokens: Codable { let tokens: [Int32] }

  func run() throws {
    let tokenizer =
      HuggingFaceTokenizer.isTokenizer(model)
      ? try HuggingFaceTokenizer.read(model) : try ModelSource.open(model).tokenizer
    if decode {
      try JSONLines.run(
        Tokens.self,
        prepare: { request, place in
          try tokenizer.check(request.tokens, at: place)
          return request.tokens
        },
        answer: { jobs in jobs.map { Text(text: tokenizer.decodeString($0.value)) } })
    } else {
      try JSONLines.run(
        Text.self, prepare: { request, _ in request.text },
        answer: { jobs in jobs.map { Tokens(tokens: tokenizer.encode($0.value)) } })
    }
  }
}
