import Tokenizers

/// How llama.cpp cuts text into pieces, by the name that a file gives (`tokenizer.ggml.pre`): those names whose
/// pattern one of ours is, with the normalisation that the models of that name were trained with, which llama.cpp
/// leaves out.
struct GGUFPreTokenizer {
  let name: String
  let splitting: TokenizerDefinition.Splitting
  let normalization: TokenizerDefinition.Normalization
  /// A whole piece that is in the vocabulary is a token.
  let ignoresMerges: Bool
  /// Whether a text begins with the token that begins texts, where no key says it.
  let addsBegin: Bool

  private init(
    _ name: String, _ splitting: TokenizerDefinition.Splitting,
    _ normalization: TokenizerDefinition.Normalization = .none, likeLlama3: Bool = false
  ) {
    self.name = name
    self.splitting = splitting
    self.normalization = normalization
    ignoresMerges = likeLlama3
    addsBegin = likeLlama3
  }

  /// Of one splitting and normalisation, the first is written.
  static let all = [
    GGUFPreTokenizer("gpt-2", .gpt2), GGUFPreTokenizer("olmo", .gpt2, .nfc), GGUFPreTokenizer("mpt", .gpt2, .nfc),
    GGUFPreTokenizer("llama-bpe", .llama3, likeLlama3: true), GGUFPreTokenizer("llama3", .llama3, likeLlama3: true),
    GGUFPreTokenizer("llama-v3", .llama3, likeLlama3: true), GGUFPreTokenizer("qwen2", .qwen2, .nfc),
    GGUFPreTokenizer("smollm", .smollm), GGUFPreTokenizer("starcoder", .smollm), GGUFPreTokenizer("refact", .smollm),
  ]
}

/// Kinds of tokens, llama.cpp's numbers.
enum GGUFTokenKind: Int32 {
  case normal = 1
  case unknown = 2
  /// A special token, which no text yields.
  case control = 3
  /// Found in text before it is cut into pieces.
  case userDefined = 4
  case unused = 5
  /// `<0x0A>`
  case byte = 6

  /// The name of an id that has no token.
  static func filling(_ id: Int) -> [UInt8] { Array("[PAD\(id)]".utf8) }
}
