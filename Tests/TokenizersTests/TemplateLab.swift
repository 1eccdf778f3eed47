import Jinja
import Support

@testable import Tokenizers

/// Tokenizers of bytes with a chat template of the test's own.
struct TemplateLab {
  /// Tokens that no text yields.
  static let special = ["<|im_start|>", "<|im_end|>", "<s>", "</s>"]
  static let date = CalendarDate(year: 2025, month: 3, day: 9, hour: 14, minute: 5, second: 7)

  static let chatml = """
    {%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\
    {%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
    """

  /// Pairs of bytes that become one token.
  var merges: [String] = []
  /// Further added tokens with their traits.
  var added: [(name: String, traits: TokenizerDefinition.Traits)] = []
  var endTokens = ["<|im_end|>"]
  var specialTokens = ["bos_token": "<s>", "eos_token": "</s>"]
  /// What the probe says, without it.
  var answerPrefix: String?

  private var names: [(name: String, traits: TokenizerDefinition.Traits)] {
    Self.special.map { ($0, [.added, .special]) } + added.map { ($0.name, $0.traits.union(.added)) }
  }

  /// The id of an added token.
  func id(_ name: String) -> Int32 { Int32(256 + merges.count + names.firstIndex { $0.name == name }!) }

  func tokenizer(_ template: String) throws -> Tokenizer {
    try tokenizer([.init(name: ChatTemplate.defaultName, text: template)])
  }

  func tokenizer(_ sources: [ChatTemplate.Source]) throws -> Tokenizer {
    let template = try ChatTemplate(
      sources, origin: .files, specialTokens: specialTokens, date: Self.date, at: "chat_template.jinja")
    return try tokenizer(
      ChatFormat(
        name: "template", template: template, endTokens: endTokens.map(id),
        answerPrefix: answerPrefix ?? TemplateProbe(template).answerPrefix, documentBegin: [id("<s>")],
        documentEnd: [id("</s>")]))
  }

  func tokenizer(_ format: ChatFormat) throws -> Tokenizer { try Tokenizer(definition(format)) }

  func definition(_ format: ChatFormat) -> TokenizerDefinition {
    var tokens = (0...255 as ClosedRange<UInt8>).map {
      TokenizerDefinition.Token(id: Int32($0), bytes: [$0], traits: .model)
    }
    var rules: [TokenizerDefinition.Rule] = []
    for merge in merges {
      let bytes = Array(merge.utf8)
      let id = Int32(tokens.count)
      tokens.append(.init(id: id, bytes: bytes, traits: .model))
      rules.append(.init(left: Int32(bytes[0]), right: Int32(bytes[1]), result: id))
    }
    for (name, traits) in names {
      tokens.append(.init(id: Int32(tokens.count), bytes: Array(name.utf8), traits: traits))
    }
    return TokenizerDefinition(
      splitting: .gpt2, normalization: .none, vocabularyCount: tokens.count, tokens: tokens,
      merges: rules, chatFormat: format)
  }
}

extension Tokenizer {
  /// Tokens for people: text as it is, added tokens in `⟦…⟧`, so that a token's name as text is another thing.
  func shown(_ tokens: some Sequence<Int32>) -> String {
    var (output, text) = ("", [] as [UInt8])
    func flush() {
      output += String(decoding: text, as: UTF8.self)
      text = []
    }
    for token in tokens {
      let bytes = decode([token], continuing: true, namingSpecialTokens: true)
      if vocabulary.traits[Int(token)].contains(.added) {
        flush()
        output += "⟦\(String(decoding: bytes, as: UTF8.self))⟧"
      } else {
        text += bytes
      }
    }
    flush()
    return output
  }

  /// What is learnt, for people.
  func shown(_ sequence: LearntTokens) -> [String] { sequence.learnt.map { shown(sequence.tokens[$0]) } }
}

/// What a body throws.
func failure(_ body: () throws -> Void) -> Failure? {
  do { try body() } catch { return error as? Failure }
  return nil
}
