import ArgumentParser
import Interchange
import Support
import Tokenizers

struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "{\"text\"} or {\"messages\"} a line in, {\"tokens\"} out; --decode for the inverse.",
    discussion: """
      A text never yields a special token, and special tokens have no text.

      A dialogue is rendered by the model's chat template, as transformers' apply_chat_template renders it, and is \
      answered with {"text", "tokens"}: {"messages": [{"role", "content"}]} with "add_generation_prompt" (false \
      without it), "tools" and "chat_template_kwargs".
      """)

  @Argument(help: "\(ModelSource.help) Or a folder with a tokenizer.json, or that file.")
  var model: String
  @OptionGroup var machine: AlwaysJSON
  @Flag(help: "{\"tokens\"} in, {\"text\"} out.") var decode = false
  @Flag(help: "Say on standard error how fast text was encoded, reading and writing apart.") var rate = false
  @OptionGroup var chat: ChatOptions

  private struct Text: Codable { let text: String }
  private struct Tokens: Codable { let tokens: [Int32] }

  /// A text, or a dialogue.
  private struct Request: Decodable {
    let text: String?
    let messages: [Turn]?
    let tools: [JSONValue]?
    let templateArguments: JSONObject?
    let opensAnswer: Bool?

    enum CodingKeys: String, CodingKey {
      case text, messages, tools
      case templateArguments = "chat_template_kwargs"
      case opensAnswer = "add_generation_prompt"
    }

    func answer(_ tokenizer: Tokenizer, at place: String) throws -> Answer {
      guard let messages else {
        guard let text else {
          throw Failure(
            .badData, "the key \"text\" is missing", at: place, remedy: "Give \"text\" or \"messages\".")
        }
        return Answer(tokens: tokenizer.encode(text), bytes: text.utf8.count)
      }
      guard text == nil else {
        throw Failure(
          .badData, "\"text\" and \"messages\" are given both", at: place, remedy: "Leave one out.")
      }
      let dialogue = Prompt(turns: messages, tools: tools ?? [], templateArguments: templateArguments ?? [:])
      let shown = try Failure.locating(place) {
        try tokenizer.show(dialogue, opensAnswer: opensAnswer ?? false, verbatim: true)
      }
      return Answer(text: shown.text, tokens: shown.tokens, bytes: shown.text.utf8.count)
    }
  }

  private struct Answer: Encodable {
    /// Of a dialogue.
    var text: String?
    let tokens: [Int32]
    /// That were encoded.
    let bytes: Int

    private enum CodingKeys: CodingKey { case text, tokens }
  }

  func run() throws {
    let tokenizer = try openTokenizer()
    if decode {
      try JSONLines.run(
        Tokens.self,
        prepare: { request, place in
          try tokenizer.check(request.tokens, at: place)
          return request.tokens
        },
        answer: { jobs in jobs.map { Text(text: tokenizer.decodeString($0.value)) } })
    } else {
      var (seconds, bytes, tokens) = (1e-9, 0, 0)
      try JSONLines.run(
        Request.self,
        prepare: { request, place in
          let start = Clock.processor()
          defer { seconds += Clock.processor() - start }
          let answer = try request.answer(tokenizer, at: place)
          bytes += answer.bytes
          tokens += answer.tokens.count
          return answer
        },
        answer: { jobs in jobs.map(\.value) })
      guard rate else { return }
      let rate = Formatting.fixed(Double(bytes) / seconds / 1e6, 1)
      Console.error("\(bytes) bytes became \(tokens) tokens, on one processor at \(rate) MB/s.")
    }
  }

  private func openTokenizer() throws -> Tokenizer {
    if HuggingFaceTokenizer.isTokenizer(model) {
      return try HuggingFaceTokenizer.read(model, chat: chat.choice())
    }
    guard !chat.isGiven else {
      throw Failure(
        .usage, "--chat-format and --chat-template are for a tokenizer.json; a model has its format already",
        remedy: "Give them when the model is imported.")
    }
    return try ModelSource.open(model).tokenizer
  }
}
