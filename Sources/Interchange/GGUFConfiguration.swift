import Glibc
import Models
import Support
import Tensors

/// The model described by the metadata and the tensor names of a GGUF file. Keys that affect the computation are
/// read; what this program does not compute is refused by name.
struct GGUFConfiguration {
  /// A key for GPT-NeoX that this program writes in addition to llama.cpp's keys.
  static let activationKey = "tinyrlhf.hidden_act"

  let family: Family
  let architecture: Architecture
  /// What is ignored, one sentence each.
  let warnings: [String]

  /// - Parameter vocabulary: the number of tokens.
  /// - Throws: `Failure(.badData)` naming the key or the tensor.
  init(_ archive: GGUFArchive, vocabulary: Int) throws {
    let metadata = archive.metadata
    let family = try Self.family(metadata)
    let fields = try metadata.fields("\(family.ggufName).")
    var warnings = try fields.requireKnown { GGUFKeys.use($0, of: family) }
    let shape = GGUFShape(fields: fields, family: family, vocabulary: vocabulary, archive: archive)
    try shape.requireVocabulary()
    var architecture = try shape.architecture()
    if family == .gptNeoX { architecture.mlp = try Self.activation(metadata, &warnings) }
    try architecture.validate(at: archive.path)
    if architecture.position == .rotary {
      architecture.ropeScaling = try Self.scaling(architecture, family, archive)
      try architecture.validate(at: archive.path)
    }
    self.family = family
    self.architecture = architecture
    self.warnings = warnings
  }

  private static func family(_ metadata: GGUFMetadata) throws -> Family {
    let type = try metadata.optionalText("general.type") ?? "model"
    guard type == "model" else {
      throw metadata.failure(
        at: "general.type", "the file contains \(quoted(type)), not a model",
        remedy: "Name the file of the model itself.")
    }
    let key = "general.architecture"
    guard let name = try metadata.optionalText(key) else {
      throw metadata.failure(at: key, "is missing", remedy: "Name the file of a model.")
    }
    guard let family = Family.allCases.first(where: { $0.ggufName == name }) else {
      let known = Family.allCases.map(\.ggufName).joined(separator: ", ")
      throw metadata.failure(at: key, "the architecture \(quoted(name)) is unknown", remedy: "Supported: \(known).")
    }
    return family
  }

  /// The GELU of a GPT-NeoX model; llama.cpp has no key for it.
  private static func activation(
    _ metadata: GGUFMetadata, _ warnings: inout [String]
  ) throws -> Architecture.MLPKind {
    switch try metadata.optionalText(activationKey) {
    case "gelu": return .geluExact
    case "gelu_new": return .gelu
    case nil:
      warnings.append(
        "\(metadata.path): no key says which GELU the model uses; the exact one of GPT-NeoX is assumed.")
      return .geluExact
    case let name?:
      throw metadata.failure(at: activationKey, "is \(quoted(name))", remedy: "Supported: gelu and gelu_new.")
    }
  }

  private static func scaling(
    _ a: Architecture, _ family: Family, _ archive: GGUFArchive
  ) throws -> RotaryScaling? {
    guard archive.tensor(GGUFRope.tensor) != nil else { return nil }
    let found = try archive.find(.init(name: GGUFRope.tensor, dims: [a.rotaryDim / 2]))
    guard family == .llama else {
      throw Failure(
        .badData, "its rope is scaled, which is not supported for \(family.ggufName)", at: found.place,
        remedy: "Such a model cannot be imported.")
    }
    let elements = try found.storedElements()
    let factors = [Float](unsafeUninitializedCapacity: a.rotaryDim / 2) { buffer, count in
      elements.read(found.bytes.baseAddress!, from: 0, count: a.rotaryDim / 2, into: buffer.baseAddress!)
      count = a.rotaryDim / 2
    }
    return try GGUFRope.scaling(factors, of: a, at: found.place)
  }
}

/// The dimensions of an architecture, from the keys of one family.
private struct GGUFShape {
  let fields: ConfigurationFields
  let family: Family
  let vocabulary: Int
  let archive: GGUFArchive

  private func key(_ name: String) -> String { "\(family.ggufName).\(name)" }

  private func has(_ tensor: String) -> Bool { archive.tensor(tensor) != nil }

  func requireVocabulary() throws {
    guard let stated = try fields.optionalCount(key("vocab_size")), stated != vocabulary else { return }
    throw fields.failure(
      "\"\(key("vocab_size"))\" is \(stated), but there are \(vocabulary) tokens",
      remedy: "Copy the file again, or correct it.")
  }

  func architecture() throws -> Architecture {
    let width = try fields.count(key("embedding_length"))
    let heads = try fields.count(key("attention.head_count"))
    var a = Architecture(
      layers: try fields.count(key("block_count")), dModel: width, heads: heads,
      kvHeads: try fields.optionalCount(key("attention.head_count_kv")) ?? heads,
      headDim: try headDim(width: width, heads: heads), dFF: try fields.count(key("feed_forward_length")),
      vocabulary: vocabulary, context: try fields.count(key("context_length")), tiedEmbeddings: isTied)
    guard heads % a.kvHeads == 0 else {
      throw fields.failure(
        "\"\(key("attention.head_count"))\" \(heads) is not divisible by \"\(key("attention.head_count_kv"))\" "
          + "\(a.kvHeads)", remedy: "Correct one of the two.")
    }
    switch family {
    case .gpt2: try likeGPT2(&a)
    case .gptNeoX:
      try likeGPT2(&a)
      try rotary(&a)
      a.parallelResidual = try fields.bool(key("use_parallel_residual"), default: true)
    case .llama, .qwen2, .qwen3: try likeLlama(&a)
    }
    return a
  }

  private func headDim(width: Int, heads: Int) throws -> Int {
    let stated = try fields.optionalCount(key("attention.key_length"))
    guard stated != nil || width % heads == 0 else {
      throw fields.failure(
        "\"\(key("embedding_length"))\" \(width) is not divisible by \"\(key("attention.head_count"))\" \(heads)",
        remedy: "Correct one of the two.")
    }
    let length = stated ?? width / heads
    if let other = try fields.optionalCount(key("attention.value_length")), other != length {
      throw fields.unsupported("\"\(key("attention.value_length"))\" is \(other), but a head's keys have \(length)")
    }
    return length
  }

  private func likeGPT2(_ a: inout Architecture) throws {
    guard a.kvHeads == a.heads, a.headDim * a.heads == a.dModel else {
      throw fields.unsupported("the heads of a \(family.ggufName) are grouped, or do not add up to the width")
    }
    a.normEpsilon = try fields.float(key("attention.layer_norm_epsilon"))
  }

  private func likeLlama(_ a: inout Architecture) throws {
    a.norm = .rmsNorm
    a.normBias = false
    a.normEpsilon = try fields.float(key("attention.layer_norm_rms_epsilon"))
    a.mlp = .swiglu
    a.attentionBias = family == .qwen2 || family == .llama && has("blk.0.attn_q.bias")
    a.attentionOutputBias = family == .llama && has("blk.0.attn_output.bias")
    a.mlpBias = family == .llama && has("blk.0.ffn_up.bias")
    a.queryKeyNorm = family == .qwen3
    try rotary(&a)
    guard a.rotaryDim == a.headDim else {
      throw fields.unsupported("\"\(key("rope.dimension_count"))\" is \(a.rotaryDim), but a head has \(a.headDim)")
    }
  }

  private func rotary(_ a: inout Architecture) throws {
    try requireUnscaled()
    a.position = .rotary
    a.rotaryDim = try fields.optionalCount(key("rope.dimension_count")) ?? a.headDim
    if fields[key("rope.freq_base")] != nil { a.rotaryTheta = try fields.float(key("rope.freq_base")) }
    guard a.rotaryDim % 2 == 0, a.rotaryDim <= a.headDim else {
      throw fields.unsupported("\"\(key("rope.dimension_count"))\" is \(a.rotaryDim), but a head has \(a.headDim)")
    }
  }

  /// A factor without a type is linear; 0 and 1 mean no scaling.
  private func requireUnscaled() throws {
    let type = try fields.optionalText(key("rope.scaling.type"))
    guard type == nil || type == "none" || type == "linear" else {
      throw fields.unsupported("\"\(key("rope.scaling.type"))\" is \(quoted(type!))")
    }
    for name in [key("rope.scaling.factor"), key("rope.scale_linear")] where type != "none" {
      guard let factor = try fields.optionalNumber(name), factor != 0, factor != 1 else { continue }
      throw fields.unsupported("\"\(name)\" is \(factor): the rope is scaled linearly")
    }
  }

  /// llama.cpp multiplies with the embedding if there is no unembedding. Files of GPT-NeoX, and some others, contain
  /// the embedding twice.
  private var isTied: Bool {
    guard let output = archive.tensor(Family.ggufUnembedding) else { return true }
    guard let embedding = archive.tensor(Family.ggufEmbedding), embedding.typeName == output.typeName,
      embedding.dims == output.dims
    else { return false }
    return memcmp(embedding.bytes.baseAddress!, output.bytes.baseAddress!, output.bytes.count) == 0
  }
}
