import Support
import Tensors

/// Rotary positions as described in a `config.json`.
struct Rope: Equatable {
  var theta: Double
  /// The share of a head's elements that is rotated.
  var share: Double
  /// nil if the rope is not scaled.
  var scaling: RotaryScaling?
}

extension ConfigurationFields {
  private static let modern = "rope_parameters"
  private static let older = "rope_scaling"

  /// The rope as `transformers` 5 reads it: the whole of `rope_scaling` is used, else `rope_parameters`. A base or
  /// share that is not in it is read from the outer object.
  /// - Returns: the rope, and warnings about values that are stated twice and differ.
  /// - Throws: `Failure(.badData)` for two different ropes, and for an unknown key inside one of them.
  func rope(_ family: Family) throws -> (rope: Rope, warnings: [String]) {
    let (base, share) = (family.rope.base, family.rope.share)
    let beside = Rope(
      theta: try optionalNumber(base) ?? family.rope.standardBase,
      share: try optionalNumber(share) ?? family.rope.standardShare)
    let inside = try [Self.older, Self.modern].compactMap { key in
      let fields = try optionalFields(key)
      return key == Self.modern && family.rope.isByLayer ? try fields?.globalRope() : fields
    }.filter { !$0.object.isEmpty }
    let ropes = try inside.map { try $0.rope(beside, of: self) }
    if ropes.count == 2, ropes[0] != ropes[1] {
      throw failure(
        "\"\(Self.older)\" and \"\(Self.modern)\" describe two different ropes",
        remedy: "Keep the one that the model was trained with.")
    }
    let rope = ropes.first ?? beside
    if family == .gptNeoX {
      try requireEqual("rope_theta", rope.theta)
      try requireEqual("partial_rotary_factor", rope.share)
    }
    var warnings: [String] = []
    for (key, inner) in [(base, rope.theta), (share, rope.share)] {
      guard let outer = try optionalNumber(key), outer != inner else { continue }
      let object = inside[0].place.dropFirst(place.count + 2)
      warnings.append(
        "\(place): \"\(key)\" is \(outer), but in \(object) it is \(inner), which is used.")
    }
    return (rope, warnings)
  }

  /// `rope_parameters` with one rope for each type of layer: that of the layers with full attention.
  private func globalRope() throws -> ConfigurationFields? {
    for (key, value) in object.sorted(by: { $0.key < $1.key })
    where !["full_attention", "sliding_attention"].contains(key) && value != .null {
      throw failure("\(quoted(key)) is no type of layer", remedy: "Supported: full_attention and sliding_attention.")
    }
    return try optionalFields("full_attention")
  }

  /// The base of the rope of the layers with a sliding window, which is not scaled.
  func localBase() throws -> Float {
    let beside = Rope(theta: try optionalNumber("rope_local_base_freq") ?? 10_000, share: 1)
    guard let fields = try optionalFields(Self.modern)?.optionalFields("sliding_attention") else {
      return Float(beside.theta)
    }
    let rope = try fields.rope(beside, of: self)
    guard rope.scaling == nil, rope.share == 1 else {
      throw fields.unsupported("the rope of the layers with a sliding window is scaled, or rotates a part of each head")
    }
    return Float(rope.theta)
  }

  /// Older versions of `transformers` also wrote GPT-NeoX's base and share under a second name; the newest version
  /// reads only the first.
  private func requireEqual(_ key: String, _ value: Double) throws {
    guard let other = try optionalNumber(key), other != value else { return }
    throw failure(
      "\"\(key)\" is \(other), but the rope that the other keys describe has \(value)",
      remedy: "Remove the one that the model was not trained with.")
  }

  /// The rope described by one of the two objects.
  private func rope(_ beside: Rope, of outer: ConfigurationFields) throws -> Rope {
    let type = try optionalText("rope_type") ?? optionalText("type") ?? "default"
    if let older = try optionalText("type"), older != type {
      throw failure("\"type\" is \"\(older)\", but \"rope_type\" is \"\(type)\"", remedy: "Correct one of the two.")
    }
    guard ["default", "llama3"].contains(type) else {
      throw failure("the rope type \(quoted(type)) is unknown", remedy: "Supported: default and llama3.")
    }
    try requireKeys(of: type)
    return Rope(
      theta: try optionalNumber("rope_theta") ?? beside.theta,
      share: try optionalNumber("partial_rotary_factor") ?? beside.share,
      scaling: type == "llama3" ? try llama3(outer) : nil)
  }

  static let ropeKeys = ["rope_type", "type", "rope_theta", "partial_rotary_factor"]
  static let llama3Keys = [
    "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings",
  ]

  private func requireKeys(of type: String) throws {
    let known = Self.ropeKeys + (type == "llama3" ? Self.llama3Keys : [])
    for (key, value) in object.sorted(by: { $0.key < $1.key })
    where value != .null && !known.contains(key) {
      throw failure(
        "\(quoted(key)) is \(Self.text(value)), but a rope of the type \"\(type)\" has no such key",
        remedy: "Remove it, or name the type that it belongs to.")
    }
  }

  private func llama3(_ outer: ConfigurationFields) throws -> RotaryScaling {
    RotaryScaling(
      factor: try float("factor"), lowFrequencyFactor: try float("low_freq_factor"),
      highFrequencyFactor: try float("high_freq_factor"),
      originalContext: try optionalCount("original_max_position_embeddings")
        ?? outer.count("max_position_embeddings"))
  }
}
