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
    guard let family = GGUFKeys.readable.first(where: { $0.ggufName == name }) else {
      let known = GGUFKeys.readable.map(\.ggufName).joined(separator: ", ")
      throw metadata.failure(at: key, "the architecture \(quoted(name)) is unknown", remedy: "Supported: \(known).")
    }
    return family
  }

  /// The GELU of a GPT-NeoX model; llama.cpp has no key for it.
  private static func activation(
    _ metadata: GGUFMetadata, _ warnings: inout [String]
  ) throws -> Architecture.MLP {
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
    let found = try archive.find(GGUFRope.tensor, [a.rotaryDim / 2])
    guard family == .llama else {
      throw Failure(
        .badData, "its rope is scaled, which is not supported for \(family.ggufName)", at: found.place,
        remedy: "Such a model cannot be imported.")
    }
    return try GGUFRope.scaling(found.values(0..<found.count), of: a, at: found.place)
  }
}
