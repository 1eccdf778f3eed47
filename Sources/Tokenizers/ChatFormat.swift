/// How dialogues and documents become tokens: the same way in every stage.
public struct ChatFormat: Equatable, Sendable {
  /// What writes a dialogue.
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
  /// Each of them ends an answer; an answer that is a text is closed by the first.
  public internal(set) var endTokens: [Int32]
  /// What the template writes between what opens an answer and the answer's text, if that is white space. It belongs
  /// to the format and not to the answer.
  public internal(set) var answerPrefix: String
  /// What stands before and behind a document, and before a text that is no dialogue.
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

  /// A format whose dialogues a template writes.
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

  /// All tokens that it names.
  var tokens: [Int32] { endTokens + documentBegin + documentEnd }
}
