import Models
import Support

/// An architecture of other programs, as a table: how `transformers` and llama.cpp name it, its tensors and its keys,
/// and what its configuration means. A new family is a new value in `all`.
struct Family: Sendable {
  typealias Keys = [(name: String, use: ConfigurationKey.Use)]

  /// The beginning of the names of its classes in `transformers`.
  let name: String
  /// The class of the language model.
  let languageModel: String
  /// The class of the reward model; nil if there is none.
  let classifier: String?
  let modelType: String
  /// `general.architecture` in a GGUF file.
  let ggufName: String
  /// Whether a GGUF file of that name is read as this family. llama.cpp has one name for Llama and Mistral.
  let isOwnGGUF: Bool
  let tensors: TensorNames
  let ggufTensors: TensorNames
  /// Keys of `config.json` besides those of every family.
  let keys: Keys
  /// Keys of a GGUF file's metadata besides those of every family, without the architecture's name.
  let ggufKeys: Keys
  /// Unusual features of an architecture that this family computes.
  let features: Set<Feature>
  /// What else it does not compute of an architecture, as a noun; nil if it computes it.
  let refusal: @Sendable (Architecture) -> String?
  let rope: RopeNames
  /// The key of the activation of a gated MLP, and its only value.
  let activationKey: String
  let activation: Activation
  /// The padding token of a classifier without the key `pad_token_id`; nil for none.
  let standardPad: Int?
  /// The architecture that a `config.json` describes; adds warnings.
  let read: @Sendable (ConfigurationFields, inout [String]) throws -> Architecture
  /// The family's own fields of `config.json`.
  let write: @Sendable (Architecture) -> [String: JSONValue]
  /// Reads a GGUF file's keys into an architecture that has the common ones.
  let readGGUF: @Sendable (GGUFShape, inout Architecture) throws -> Void
  /// Adds a GGUF file's keys besides the common ones; the text is the architecture's name.
  let writeGGUF: @Sendable (Architecture, String, inout GGUFFile) -> Void
  /// Whether a GGUF file repeats a tied embedding as the unembedding, because llama.cpp looks for it.
  let repeatsTiedUnembedding: Bool
  /// What llama.cpp's architecture of that name does not compute, as a noun; nil if it computes all.
  let ggufRefusal: @Sendable (Architecture) -> String?

  init(
    name: String, languageModel: String? = nil, classifier: Classifier = .named, modelType: String,
    ggufName: String, isOwnGGUF: Bool = true, tensors: TensorNames, ggufTensors: TensorNames, keys: Keys,
    ggufKeys: Keys = [], isLikeLlama: Bool = true, features: Set<Feature>,
    refusal: @escaping @Sendable (Architecture) -> String? = { _ in nil }, rope: RopeNames = RopeNames(),
    activationKey: String = "hidden_act", activation: Activation = .silu, standardPad: Int? = nil,
    read: @escaping @Sendable (ConfigurationFields, inout [String]) throws -> Architecture,
    write: @escaping @Sendable (Architecture) -> [String: JSONValue],
    readGGUF: @escaping @Sendable (GGUFShape, inout Architecture) throws -> Void,
    writeGGUF: @escaping @Sendable (Architecture, String, inout GGUFFile) -> Void = Family.likeLlamaGGUF,
    repeatsTiedUnembedding: Bool = false,
    ggufRefusal: @escaping @Sendable (Architecture) -> String? = { _ in nil }
  ) {
    self.name = name
    self.languageModel = languageModel ?? "\(name)ForCausalLM"
    self.classifier =
      switch classifier {
      case .none: nil
      case .named: "\(name)ForSequenceClassification"
      case .other(let text): text
      }
    self.modelType = modelType
    self.ggufName = ggufName
    self.isOwnGGUF = isOwnGGUF
    self.tensors = tensors
    self.ggufTensors = ggufTensors
    self.keys = keys
    let own = Set(ggufKeys.map(\.name))
    self.ggufKeys = ggufKeys + (isLikeLlama ? Self.llamaGGUFKeys.filter { !own.contains($0.name) } : [])
    self.features = features
    self.refusal = refusal
    self.rope = rope
    self.activationKey = activationKey
    self.activation = activation
    self.standardPad = standardPad
    self.read = read
    self.write = write
    self.readGGUF = readGGUF
    self.writeGGUF = writeGGUF
    self.repeatsTiedUnembedding = repeatsTiedUnembedding
    self.ggufRefusal = ggufRefusal
  }

  /// The class of the reward model: none, one with the family's name, or another.
  enum Classifier {
    case none, named
    case other(String)
  }

  /// Every family. An architecture is exported as the first one that computes it.
  static let all: [Family] = [
    .gpt2, .gptNeoX, .llama, .qwen2, .qwen3, .mistral, .smolLM3, .olmo2, .granite, .gemma2, .gemma3, .phi3,
  ]

  static let scoreHead = "score.weight"

  // MARK: Keys

  /// Keys of GGUF files of families that follow Llama.
  private static let llamaGGUFKeys = use(["attention.layer_norm_rms_epsilon"]) + GGUFKeys.rotary

  static func use(_ names: [String]) -> Keys { names.map { ($0, .used) } }
  static func ignore(_ names: [String]) -> Keys { names.map { ($0, .ignored) } }

  /// Keys of `config.json` of every family with rotary positions.
  static let rotaryKeys: Keys =
    use(["rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor"])
    + [("original_max_position_embeddings", .must([]))]
}

extension Family: Hashable {
  static func == (a: Family, b: Family) -> Bool { a.name == b.name }
  func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Family: CustomStringConvertible {
  var description: String { modelType }
}

/// The names and defaults of a family's rotary base and share in `config.json`.
struct RopeNames: Sendable {
  var base = "rope_theta"
  var share = "partial_rotary_factor"
  var standardBase = 10_000.0
  var standardShare = 1.0
  /// Whether `rope_parameters` has one rope for each type of layer.
  var isByLayer = false
}
