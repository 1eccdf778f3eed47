import Tokenizers

/// How llama.cpp splits text into pieces, by the name in a file (`tokenizer.ggml.pre`). Contains the names whose
/// pattern this program supports, with the normalisation that these models were trained with, which llama.cpp omits.
struct GGUFPreTokenizer {
  let name: String
  let splitting: TokenizerDefinition.Splitting
  let normalization: TokenizerDefinition.Normalization
  /// Whether a whole piece that is in the vocabulary becomes that token without merges.
  let ignoresMerges: Bool
  /// Whether a text begins with the begin token if no key says so.
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

  /// The name for an export: of all entries with the same splitting, the first that also ignores merges in the same way
  /// and has the same normalisation, if there is one; else one that does the former, the latter, or neither.
  static func best(for definition: TokenizerDefinition) -> GGUFPreTokenizer? {
    all.filter { $0.splitting == definition.splitting }.enumerated().max {
      ($0.element.likeness(to: definition), $1.offset) < ($1.element.likeness(to: definition), $0.offset)
    }?.element
  }

  private func likeness(to definition: TokenizerDefinition) -> Int {
    (ignoresMerges == definition.ignoresMerges ? 2 : 0) + (normalization == definition.normalization ? 1 : 0)
  }

  static let all = [
    GGUFPreTokenizer("gpt-2", .gpt2), GGUFPreTokenizer("olmo", .gpt2, .nfc), GGUFPreTokenizer("mpt", .gpt2, .nfc),
    GGUFPreTokenizer("llama-bpe", .llama3, likeLlama3: true), GGUFPreTokenizer("llama3", .llama3, likeLlama3: true),
    GGUFPreTokenizer("llama-v3", .llama3, likeLlama3: true), GGUFPreTokenizer("smaug-bpe", .llama3),
    GGUFPreTokenizer("dbrx", .llama3), GGUFPreTokenizer("qwen2", .qwen2, .nfc),
    GGUFPreTokenizer("smollm", .smollm), GGUFPreTokenizer("starcoder", .smollm), GGUFPreTokenizer("refact", .smollm),
  ]
}

/// Kinds of tokens; the raw values are llama.cpp's.
enum GGUFTokenKind: Int32 {
  case normal = 1
  case unknown = 2
  /// A special token, which plain text never yields.
  case control = 3
  /// Found in text before the text is split into pieces.
  case userDefined = 4
  case unused = 5
  /// A byte: `<0x0A>`.
  case byte = 6

  /// The name that fills an id without a token.
  static func filling(_ id: Int) -> [UInt8] { Array("[PAD\(id)]".utf8) }
}
