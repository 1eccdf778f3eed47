/// How dialogues and documents become tokens; the same in every stage.
public struct ChatFormat: Equatable, Sendable {
  /// What renders a dialogue.
  public enum Form: Equatable, Sendable {
    /// The format of tokenizers that tinyrlhf trains:
    ///
    ///     <|system|>…<|user|>…<|assistant|>…<|end|>
    case tinyrlhf
    case template(ChatTemplate)
  }

  /// `tinyrlhf`, one of `names`, or `template`.
  public internal(set) var name: String
  public internal(set) var form: Form
  /// The tokens that end an answer; the first one closes an answer given as a text.
  public internal(set) var endTokens: [Int32]
  /// White space that the template writes between the opening of an answer and its text. It belongs to the format,
  /// not to the answer.
  public internal(set) var answerPrefix: String
  /// The tokens before and after a document; `documentBegin` also begins a text that is not a dialogue.
  public internal(set) var documentBegin: [Int32]
  public internal(set) var documentEnd: [Int32]

  init(
    name: String, form: Form, endTokens: [Int32], answerPrefix: String = "", documentBegin: [Int32],
    documentEnd: [Int32]
  ) {
    self.name = name
    self.form = form
    self.endTokens = endTokens
    self.answerPrefix = answerPrefix
    self.documentBegin = documentBegin
    self.documentEnd = documentEnd
  }

  /// A format that renders dialogues with a template.
  public init(
    name: String, template: ChatTemplate, endTokens: [Int32], answerPrefix: String, documentBegin: [Int32],
    documentEnd: [Int32]
  ) {
    self.init(
      name: name, form: .template(template), endTokens: endTokens, answerPrefix: answerPrefix,
      documentBegin: documentBegin, documentEnd: documentEnd)
  }

  /// The format of tokenizers that tinyrlhf trains.
  public static let tinyrlhf: ChatFormat = {
    let end = [SpecialToken.end.rawValue]
    return ChatFormat(
      name: "tinyrlhf", form: .tinyrlhf, endTokens: end, documentBegin: end, documentEnd: end)
  }()

  public var template: ChatTemplate? { if case .template(let template) = form { template } else { nil } }

  /// For people: `chat template from chat_template.jinja`.
  public var shown: String {
    guard let template else { return "chat format \(name)" }
    let place = switch template.origin {
    case .named: ""
    case .files: " from chat_template.jinja"
    case .configuration, .configurationList: " from tokenizer_config.json"
    case .gguf: " from the GGUF file"
    case .file: " from --chat-template"
    }
    return template.origin == .named ? "chat format \(name)" : "chat template\(place)"
  }

  /// All tokens that the format names.
  var tokens: [Int32] { endTokens + documentBegin + documentEnd }
}
