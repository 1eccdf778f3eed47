import Models
import Support

extension ConfigurationFields {
  /// - Throws: `Failure(.badData)` if a layer's attention is not full.
  func refuseLayerTypes() throws {
    for kind in try optionalList("layer_types") ?? [] where kind != .string("full_attention") {
      throw unsupported(attention: kind)
    }
  }

  /// Whether each layer has a sliding window: as `layer_types` says, or as `standard` does if the key is missing.
  func slidingLayers(default standard: (Int) -> Bool) throws -> [Bool] {
    let layers = try count("num_hidden_layers")
    guard let kinds = try optionalList("layer_types") else { return (0..<layers).map(standard) }
    guard kinds.count == layers else {
      throw failure(
        "\"layer_types\" has \(kinds.count) entries for \(layers) layers",
        remedy: "Copy the file again, or correct it.")
    }
    return try kinds.map { kind in
      guard kind == .string("full_attention") || kind == .string("sliding_attention") else {
        throw unsupported(attention: kind)
      }
      return kind == .string("sliding_attention")
    }
  }

  /// Gives some layers another window and other positions; or all layers, if all are chosen.
  /// - Parameter theta: 0 for layers without positions.
  func setOtherLayers(_ chosen: [Bool], of a: inout Architecture, window: Int, theta: Float) throws {
    guard chosen.contains(true) else { return }
    if !chosen.contains(false), theta > 0 {
      (a.window, a.rotaryTheta) = (window, theta)
      return
    }
    guard var others = Architecture.OtherLayers(chosen) else {
      throw unsupported(
        "the kinds of the layers follow no pattern of at most \(Architecture.OtherLayers.longestPeriod) layers")
    }
    others.window = window
    others.rotaryTheta = theta
    a.otherLayers = others
  }

  private func unsupported(attention kind: JSONValue) -> Failure {
    unsupported("a layer's attention is \(Self.text(kind)) (\"layer_types\")")
  }
}
