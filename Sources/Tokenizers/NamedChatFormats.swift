import Support

extension ChatFormat {
  /// The format of tokenizers that tinyrlhf trains:
  ///
  ///     <|system|>…<|user|>…<|assistant|>…<|end|>
  public static let tinyrlhf: ChatFormat = {
    func opens(_ token: SpecialToken) -> Frame { Frame(open: [.token(token.rawValue)]) }
    let end = SpecialToken.end.rawValue
    var format = ChatFormat(
      name: "tinyrlhf", system: opens(.system), user: opens(.user), assistant: opens(.assistant),
      endTokens: [end])
    format.documentBegin = [end]
    format.documentEnd = [end]
    return format
  }()

  /// The formats that `named(_:_:)` makes.
  public static let names = ["chatml", "llama3", "zephyr", "hh-rlhf", "plain"]

  /// What a tokenizer offers to a format.
  public struct Tokens: Sendable {
    /// The ids of special tokens by name.
    public var special: [String: Int32]
    /// What ends an answer, or a text; the first is written.
    public var end: [Int32]
    /// What the tokenizer puts before every text.
    public var begin: Int32?
    /// Whether the template writes it before the dialogue.
    public var templateBegins: Bool

    public init(special: [String: Int32], end: [Int32], begin: Int32?, templateBegins: Bool) {
      self.special = special
      self.end = end
      self.begin = begin
      self.templateBegins = templateBegins
    }
  }

  /// A format by its name:
  ///
  ///     chatml    <|im_start|>user⏎…<|im_end|>⏎
  ///     llama3    <|start_header_id|>user<|end_header_id|>⏎⏎…<|eot_id|>
  ///     zephyr    <|user|>⏎…</s>⏎                       (</s>: whatever ends texts)
  ///     hh-rlhf   ⏎⏎Human: …⏎⏎Assistant: …              with the token that ends texts at the end
  ///     plain     what is said, and nothing else        the same
  ///
  /// - Throws: `Failure(.usage)` for another name; `Failure(.badData)` when a token is missing.
  public static func named(_ name: String, _ tokens: Tokens, at place: String) throws -> ChatFormat {
    func token(_ content: String) throws -> Int32 {
      guard let token = tokens.special[content] else {
        throw Failure(
          .badData, "the chat format \(name) needs the special token \(content)", at: place,
          remedy: "Choose another of \(names.joined(separator: ", ")).")
      }
      return token
    }
    var format: ChatFormat
    var begins = tokens.templateBegins
    switch name {
    case "chatml":
      let (start, end) = (try token("<|im_start|>"), try token("<|im_end|>"))
      func frame(_ role: String) -> Frame {
        Frame(open: [.token(start), .text("\(role)\n")], close: [.token(end), .text("\n")])
      }
      format = ChatFormat(
        name: name, system: frame("system"), user: frame("user"),
        assistant: Frame(open: frame("assistant").open, close: [.text("\n")]),
        endTokens: [end] + tokens.end.filter { $0 != end })
    case "llama3":
      let (start, close) = (try token("<|start_header_id|>"), try token("<|end_header_id|>"))
      let end = try token("<|eot_id|>")
      func frame(_ role: String) -> Frame {
        Frame(
          open: [.token(start), .text(role), .token(close), .text("\n\n")], close: [.token(end)])
      }
      format = ChatFormat(
        name: name, system: frame("system"), user: frame("user"),
        assistant: Frame(open: frame("assistant").open),
        endTokens: [end] + tokens.end.filter { $0 != end })
    case "zephyr":
      let end = tokens.end.prefix(1).map { Piece.token($0) }
      func frame(_ role: String) -> Frame {
        let open = tokens.special[role].map { Piece.token($0) } ?? .text(role)
        return Frame(open: [open, .text("\n")], close: end + [.text("\n")])
      }
      format = ChatFormat(
        name: name, system: frame("<|system|>"), user: frame("<|user|>"),
        assistant: Frame(open: frame("<|assistant|>").open, close: [.text("\n")]),
        endTokens: tokens.end)
    case "hh-rlhf":
      format = ChatFormat(
        name: name, system: Frame(open: []), user: Frame(open: [.text("\n\nHuman: ")]),
        assistant: Frame(open: [.text("\n\nAssistant:")]), endTokens: tokens.end)
      format.answerPrefix = " "
      format.closesPastAnswers = false
      begins = begins || tokens.begin != nil
    case "plain":
      let nothing = Frame(open: [])
      format = ChatFormat(
        name: name, system: nothing, user: nothing, assistant: nothing, endTokens: tokens.end)
      format.closesPastAnswers = false
      begins = begins || tokens.begin != nil
    default:
      throw Failure(
        .usage, "the chat format \(name) is not known",
        remedy: "Choose one of \(names.joined(separator: ", ")).")
    }
    if begins, let begin = tokens.begin { format.begin = [.token(begin)] }
    let text = tokens.end.prefix(1)
    format.documentBegin = tokens.begin.map { [$0] } ?? Array(text)
    format.documentEnd = Array(text)
    return format
  }
}
