import Glibc
import Models
import Support

/// The dimensions of an architecture, from the keys of one family.
struct GGUFShape {
  let fields: ConfigurationFields
  let family: Family
  let vocabulary: Int
  let archive: GGUFArchive

  /// A key of this family, with the architecture's name.
  func key(_ name: String) -> String { "\(family.ggufName).\(name)" }

  func has(_ tensor: String) -> Bool { archive.tensor(tensor) != nil }

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
    try family.readGGUF(self, &a)
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

  /// LayerNorm, with heads that are not grouped.
  func layerNorm(_ a: inout Architecture) throws {
    guard a.kvHeads == a.heads, a.headDim * a.heads == a.dModel else {
      throw fields.unsupported("the heads of a \(family.ggufName) are grouped, or do not add up to the width")
    }
    a.normEpsilon = try fields.float(key("attention.layer_norm_epsilon"))
  }

  /// RMSNorm, SwiGLU, rotary positions, no biases.
  /// - Parameter partialRotary: whether a part of a head may be rotated.
  func likeLlama(_ a: inout Architecture, partialRotary: Bool = false) throws {
    a.norm = .rmsNorm
    a.normBias = false
    a.normEpsilon = try fields.float(key("attention.layer_norm_rms_epsilon"))
    a.mlp = .swiglu
    a.attentionBias = false
    a.attentionOutputBias = false
    a.mlpBias = false
    try rotary(&a)
    guard partialRotary || a.rotaryDim == a.headDim else {
      throw fields.unsupported("\"\(key("rope.dimension_count"))\" is \(a.rotaryDim), but a head has \(a.headDim)")
    }
  }

  /// What Gemma 2 and Gemma 3 have in common. The norms' weights are stored plus 1.
  /// - Parameter oddLayers: the number of layers of the model for which llama.cpp has another scale of attention.
  func gemma(_ a: inout Architecture, oddLayers: Int) throws {
    try likeLlama(&a)
    if a.layers == oddLayers { a.setAttentionScale(1 / (Float(a.dModel) / Float(a.heads)).squareRoot()) }
    a.mlp = .geglu
    a.normPlacement = .both
    a.normUnitOffset = true
    a.embeddingScale = Float(a.dModel).squareRoot()
  }

  /// Layers with a window, in llama.cpp's pattern of the family.
  /// - Parameters:
  ///   - theta: the base of these layers' rope.
  ///   - window: the default; nil if the key must be there.
  func windows(
    _ a: inout Architecture, theta: Float, window: Int? = nil, pattern: (Int) -> Bool
  ) throws {
    let slides = (0..<a.layers).map(pattern)
    guard slides.contains(true) else { return }
    let key = key("attention.sliding_window")
    let found = try window == nil ? fields.count(key) : fields.optionalCount(key) ?? window!
    try fields.setOtherLayers(slides, of: &a, window: found, theta: theta)
  }

  /// A number; nil if the key is missing.
  func number(_ name: String) throws -> Float? {
    fields[key(name)] == nil ? nil : try fields.float(key(name))
  }

  /// A cap; nil if the key is missing.
  func cap(_ name: String) throws -> Float? {
    guard let cap = try number(name) else { return nil }
    guard cap > 0 else { throw fields.unsupported("\"\(key(name))\" is \(cap)") }
    return cap
  }

  /// Refuses a number of rotated elements that is not the head's width.
  func requireWholeHead(_ name: String, _ a: Architecture) throws {
    guard let count = try fields.optionalCount(key(name)), count != a.headDim else { return }
    throw fields.unsupported("\"\(key(name))\" is \(count), but a head has \(a.headDim)")
  }

  /// A window; 0 for none.
  func window(_ name: String) throws -> Int {
    fields[key(name)] == .number(0) ? 0 : try fields.optionalCount(key(name)) ?? 0
  }

  /// A factor; nil if the key is missing or 0, which means 1.
  func factor(_ name: String) throws -> Float? {
    try number(name).flatMap { $0 == 0 ? nil : $0 }
  }

  func rotary(_ a: inout Architecture) throws {
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
    guard let output = archive.tensor(TensorNames.gguf.unembedding) else { return true }
    guard let embedding = archive.tensor(TensorNames.gguf.tokenEmbedding), embedding.typeName == output.typeName,
      embedding.dims == output.dims
    else { return false }
    return memcmp(embedding.bytes.baseAddress!, output.bytes.baseAddress!, output.bytes.count) == 0
  }
}
