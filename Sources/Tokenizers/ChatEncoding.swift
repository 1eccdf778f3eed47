import Dialogues
import Support

/// A dialogue as tokens, and the tokens that the model learns (the training loss covers only these).
public struct LearntTokens: Equatable, Sendable {
  public var tokens: [Int32]
  /// Ascending ranges, one for each learnt answer: its text and its end token. A token that an answer shares with the
  /// text before it is not included.
  public var learnt: [Range<Int>]

  public init(tokens: [Int32], learnt: [Range<Int>]) {
    self.tokens = tokens
    self.learnt = learnt
  }
}

/// Encodes dialogues with the tokenizer's chat format.
///
/// A template's text is encoded as a whole, as Hugging Face's `apply_chat_template` does, with one difference: if a
/// message contains a special token's name, it is text here but the token there.
///
/// An answer has two forms. A message is rendered by the template, which may trim it or write more around it. A text
/// continues what the template writes before an answer, like a model's own output: it is encoded separately and
/// closed by the end token.
extension Tokenizer {
  /// The token that closes an answer given as a text; nil if the tokenizer has none.
  public var endToken: Int32? { chatFormat.endTokens.first }

  /// The token that begins a text; if the tokenizer has none, the token that separates documents.
  public var beginToken: Int32? { chatFormat.documentBegin.first }

  /// The tokens that end an answer.
  public var endTokens: [Int32] { chatFormat.endTokens }

  /// The tokens that the policy sees before it answers.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot represent.
  public func encode(prompt: Prompt) throws -> [Int32] {
    switch chatFormat.form {
    case .tinyrlhf: try BuiltInDialogue(self, prompt, opensAnswer: true).tokens
    case .template(let template): encode(try template.render(prompt, answers: true)).tokens
    }
  }

  /// The same as `encode(prompt:)`.
  public func encode(prompt turns: [Turn]) throws -> [Int32] { try encode(prompt: Prompt(turns: turns)) }

  /// An answer given as a text, with its end token: the tokens that the policy should generate after the prompt's
  /// tokens.
  public func encode(completion text: String) -> [Int32] {
    var text = chatFormat.answerPrefix + text
    let position: Encoder.Position = answersFollowToken ? .afterToken : .continued
    return text.withUTF8 { encode($0, at: position) } + chatFormat.endTokens.prefix(1)
  }

  /// A whole dialogue: every token that the chat format writes, including those after the last answer.
  /// - Throws: the same errors as `encode(prompt:)`.
  public func encode(dialogue: Prompt) throws -> [Int32] {
    switch chatFormat.form {
    case .tinyrlhf: try BuiltInDialogue(self, dialogue, opensAnswer: false).tokens
    case .template(let template): encode(try template.render(dialogue, answers: false)).tokens
    }
  }

  /// A dialogue of the built-in world. Its models use the format of tokenizers that tinyrlhf trains.
  public func encode(worldDialogue turns: [Turn]) -> [Int32] {
    guard let tokens = try? encode(dialogue: Prompt(turns: turns)) else {
      preconditionFailure("the chat format \(chatFormat.name) cannot write a dialogue of the built-in world")
    }
    return tokens
  }

  /// The text and the tokens of a dialogue, for display; special tokens are shown by their names.
  ///
  /// - Parameters:
  ///   - opensAnswer: whether an answer is to follow.
  ///   - verbatim: passes contents in parts as parts, as transformers does, even to a template that only reads texts.
  /// - Throws: the same errors as `encode(prompt:)`.
  public func show(
    _ dialogue: Prompt, opensAnswer: Bool, verbatim: Bool = false
  ) throws -> (text: String, tokens: [Int32]) {
    switch chatFormat.form {
    case .tinyrlhf:
      let tokens = try BuiltInDialogue(self, dialogue, opensAnswer: opensAnswer).tokens
      return (decodeString(tokens, namingSpecialTokens: true), tokens)
    case .template(let template):
      let rendered = try template.render(dialogue, answers: opensAnswer, verbatim: verbatim)
      return (rendered.text, encode(rendered).tokens)
    }
  }

  /// A prompt with the message that answers it, up to the end of the answer.
  /// - Throws: the same errors as `encode(prompt:)`.
  public func encode(_ prompt: Prompt, answer: Turn) throws -> LearntTokens {
    var dialogue = prompt
    dialogue.turns.append(answer)
    return try encode(dialogue: dialogue, learning: [prompt.turns.count])[0]
  }

  /// A dialogue with learnt answers, each after the prompt that it had when it was given.
  ///
  /// The result is one sequence, or several if the template changes earlier turns when a dialogue grows.
  ///
  /// - Parameter learning: the indices of the learnt turns, ascending; all are assistant turns.
  /// - Returns: sequences that end with the end of a learnt answer; the sequence of the last answer comes first.
  /// - Throws: the same errors as `encode(prompt:)`.
  public func encode(dialogue: Prompt, learning: [Int]) throws -> [LearntTokens] {
    switch chatFormat.form {
    case .tinyrlhf:
      let last = learning.last.map { $0 + 1 } ?? dialogue.turns.count
      var shortened = dialogue
      shortened.turns = Array(dialogue.turns[..<last])
      let written = try BuiltInDialogue(self, shortened, opensAnswer: false)
      return [LearntTokens(tokens: written.tokens, learnt: learning.map { written.answers[$0]! })]
    case .template(let template):
      return try TemplateAnswers(self, template).sequences(dialogue, learning: learning)
    }
  }

  /// A plain text for pretraining, with the tokens that separate documents.
  public func encode(document text: String) -> [Int32] {
    var text = text
    let position: Encoder.Position = chatFormat.documentBegin.isEmpty ? .start : .afterToken
    return chatFormat.documentBegin + text.withUTF8 { encode($0, at: position) } + chatFormat.documentEnd
  }

  /// The text of a completion, up to its end token if it has one.
  public func decode(completion tokens: some Sequence<Int32>) -> String {
    String(decoding: decode(answer: tokens.prefix { !endTokens.contains($0) }), as: UTF8.self)
  }

  /// The bytes of an answer's tokens, without the prefix that the format writes before an answer.
  ///
  /// - Parameter continuing: whether other tokens of the answer come before these.
  public func decode(answer tokens: some Sequence<Int32>, continuing: Bool = false) -> [UInt8] {
    let bytes = decode(tokens, continuing: continuing || !answersFollowToken)
    let prefix = chatFormat.answerPrefix.utf8
    return !continuing && bytes.starts(with: prefix) ? Array(bytes.dropFirst(prefix.count)) : bytes
  }

  /// See `answersFollowToken`; it only matters for tokenizers of characters.
  func opensAnswersWithToken() -> Bool {
    guard settings.isOfCharacters, let template = chatFormat.template else { return true }
    guard let prompt = try? template.render(Prompt("a"), answers: true, limits: ChatTemplate.probing),
      let last = encode(prompt).sections.last
    else { return false }
    return last.position == nil
  }

  /// The tokens of a text that a template wrote.
  func encode(_ dialogue: RenderedDialogue) -> EncodedDialogue {
    var tokens: [Int32] = []
    tokens.reserveCapacity(dialogue.bytes.count / 3)
    let sections = dialogue.bytes.withUnsafeBufferPointer { bytes in
      withEncoder { $0.append(template: bytes, data: dialogue.data.map(\.range), to: &tokens) }
    }
    return EncodedDialogue(tokens: tokens, sections: sections)
  }
}

/// A dialogue in the format of tokenizers that tinyrlhf trains: one token before each turn, and one after each
/// answer. Texts are encoded separately.
private struct BuiltInDialogue {
  private(set) var tokens: [Int32] = []
  /// The range of each answer's text and end token, by the index of its turn.
  private(set) var answers: [Int: Range<Int>] = [:]

  init(_ tokenizer: Tokenizer, _ prompt: Prompt, opensAnswer: Bool) throws {
    guard prompt.isPlain else {
      throw Failure(
        .badData,
        "this model's chat format does not support \(prompt.tools.isEmpty ? "\"chat_template_kwargs\"" : "tools")",
        remedy: "Leave them out, or use a model whose chat template reads them.")
    }
    for (index, turn) in prompt.turns.enumerated() {
      tokens.append(try Self.opening(turn).rawValue)
      let start = tokens.count
      var text = turn.content
      tokens += text.withUTF8 { tokenizer.encode($0, at: .afterToken) }
      guard turn.role == .assistant else { continue }
      tokens.append(SpecialToken.end.rawValue)
      answers[index] = start..<tokens.count
    }
    if opensAnswer { tokens.append(SpecialToken.assistant.rawValue) }
  }

  /// Keys of a message that may be ignored.
  private static let unread: Set<String> = ["content", "name", "id", "timestamp", "refusal", "annotations"]

  private static func opening(_ turn: Turn) throws -> SpecialToken {
    for (key, value) in turn.fields where !unread.contains(key) && !value.isNothing {
      throw Failure(
        .badData, "this model's chat format does not support \"\(key)\" of a message",
        remedy: "Leave it out, or use a model whose chat template reads it.")
    }
    switch turn.role {
    case .system, .developer: return .system
    case .user: return .user
    case .assistant: return .assistant
    default:
      throw Failure(
        .badData, "this model's chat format does not support the role \"\(turn.role.rawValue)\"",
        remedy: "Leave its turns out, or use a model whose chat template supports it.")
    }
  }
}

extension JSONValue {
  /// Whether the value is empty: null, an empty list or an empty text.
  fileprivate var isNothing: Bool {
    switch self {
    case .null: true
    case .array(let values): values.isEmpty
    case .string(let text): text.isEmpty
    default: false
    }
  }
}
