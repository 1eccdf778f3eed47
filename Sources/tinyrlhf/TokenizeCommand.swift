import ArgumentParser
import Datasets
import Dialogues
import Evaluation
import Inference
import Interchange
import Stages
import Support
import Tokenizers

struct Tokenize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tokenize: {\"text\"} or {\"messages\"} per line in, {\"tokens\"} out; --decode for the inverse.",
    discussion: """
      A text never becomes a special token, and special tokens decode to no text.

      A dialogue is rendered by the model's chat template, as transformers' apply_chat_template does, and the \
      output is {"text", "tokens"}. A line has {"messages": [{"role", "content"}]} and optionally \
      "add_generation_prompt" (default: false), "tools" and "chat_template_kwargs".
      """)

  @Argument(help: "\(ModelSource.help) Or a tokenizer.json (the file may have another name), or its folder.")
  var model: String
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var machine: AlwaysJSON
  @Flag(help: "Decode: {\"tokens\"} in, {\"text\"} out.") var decode = false
  @Flag(help: "Print the encoding speed on standard error, without the time for reading and writing.") var rate = false
  @OptionGroup var chat: ChatOptions

  private struct Text: Encodable { let text: String }

  /// Encodes a line with a text or a dialogue.
  private static func answer(_ fields: RowFields, _ tokenizer: Tokenizer) throws -> Answer {
    guard let messages = fields["messages"] else {
      let text = try fields.text("text")
      return Answer(tokens: tokenizer.encode(text), bytes: text.utf8.count)
    }
    guard fields["text"] == nil else {
      throw Failure(.badData, "\"text\" and \"messages\" are both given", remedy: "Leave one out.")
    }
    guard let messages = messages.array?.map(\.object), messages.allSatisfy({ $0 != nil }) else {
      throw Failure(.badData, "\"messages\" is not a list of messages")
    }
    var dialogue = Prompt(turns: try messages.map { try Turn(message: $0!) })
    if let tools = fields["tools"], !tools.isNull {
      guard let list = tools.array else { throw Failure(.badData, "\"tools\" is not a list") }
      dialogue.tools = list
    }
    if let arguments = fields["chat_template_kwargs"], !arguments.isNull {
      guard let object = arguments.object else {
        throw Failure(.badData, "\"chat_template_kwargs\" is not an object")
      }
      dialogue.templateArguments = object
    }
    let opensAnswer = fields["add_generation_prompt"] ?? .bool(false)
    guard case .bool(let opensAnswer) = opensAnswer else {
      throw Failure(.badData, "\"add_generation_prompt\" is not true or false")
    }
    let shown = try tokenizer.show(dialogue, opensAnswer: opensAnswer, verbatim: true)
    return Answer(text: shown.text, tokens: shown.tokens, bytes: shown.text.utf8.count)
  }

  private struct Answer: Encodable {
    /// The rendered dialogue; nil for a plain text.
    var text: String?
    let tokens: [Int32]
    /// Number of bytes of text that were encoded.
    let bytes: Int

    private enum CodingKeys: CodingKey { case text, tokens }
  }

  func run() throws {
    try refuseIdle()
    try InputFiles.require([model, chat.chatTemplate])
    let tokenizer = try openTokenizer()
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
        prepare: { fields, _ in
          let start = Clock.processor()
          defer { seconds += Clock.processor() - start }
          let answer = try Self.answer(fields, tokenizer)
          bytes += answer.bytes
          tokens += answer.tokens.count
          return answer
        },
        answer: { jobs in jobs.map(\.value) })
      guard rate else { return }
      let rate = Formatting.fixed(Double(bytes) / seconds / 1e6, 1)
      Console.error("Encoded \(bytes) bytes to \(tokens) tokens on one processor at \(rate) MB/s.")
    }
  }

  private func refuseIdle() throws {
    var idle = IdleOptions()
    idle.add("--rate", if: decode && rate, because: "--decode encodes nothing")
    for option in chat.given { idle.add(option, if: decode, because: "--decode reads no dialogues") }
    try idle.refuse()
  }

  private func openTokenizer() throws -> Tokenizer {
    if HuggingFaceTokenizer.isTokenizer(model) {
      return try HuggingFaceTokenizer.read(model, chat: chat.choice())
    }
    guard chat.given.isEmpty else {
      throw Failure(
        .usage, "\(Spelling.list(chat.given)) only applies to a tokenizer.json; a model already has its chat format",
        remedy: "Give it to `tinyrlhf import`.")
    }
    return try ModelSource.open(model, verification).tokenizer
  }
}
