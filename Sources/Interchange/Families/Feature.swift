import Models
import Support

/// Something unusual that an architecture computes; a family lists those that it computes.
enum Feature: String, CaseIterable, Sendable {
  case learnedPositions = "learned positions"
  case layerNorm = "LayerNorm"
  case parallelResidual = "an MLP parallel to the attention"
  case partialRotary = "rotary positions over a part of each head"
  case ropeScaling = "a scaled rope"
  case attentionBias = "biases of queries, keys and values"
  case attentionOutputBias = "a bias of the attention's output"
  case mlpBias = "biases of the MLP"
  case normBias = "RMSNorm with biases"
  case geluGate = "a gated MLP with GELU"
  case headNorms = "norms of queries and keys"
  case wideHeadNorms = "norms of queries and keys over all heads"
  case unitOffset = "norms of 1 + weight"
  case outputNorms = "norms on the outputs of sub-layers"
  case noInputNorms = "sub-layers without norms on their inputs"
  case window = "a sliding window"
  case otherWindows = "a sliding window in some layers"
  case otherBases = "another base of the rope in some layers"
  case layersWithoutPositions = "layers without positions"
  case attentionScale = "another scale of attention than 1/√head_dim"
  case attentionCap = "a cap of the scores of attention"
  case logitCap = "a cap of the logits"
  case embeddingScale = "scaled embeddings"
  case residualScale = "scaled residuals"
  case logitScale = "scaled logits"
}

extension Architecture {
  /// The unusual features, in the order in which they are declared.
  var features: [Feature] { Feature.allCases.filter(has) }

  fileprivate func has(_ feature: Feature) -> Bool {
    switch feature {
    case .learnedPositions: position == .learned
    case .layerNorm: norm == .layerNorm
    case .parallelResidual: parallelResidual
    case .partialRotary: position == .rotary && rotaryDim != headDim
    case .ropeScaling: ropeScaling != nil
    // The families with LayerNorm have biases, unless they say otherwise.
    case .attentionBias: attentionBias && norm == .rmsNorm
    case .attentionOutputBias: attentionOutputBias && norm == .rmsNorm
    case .mlpBias: mlpBias && norm == .rmsNorm
    case .normBias: normBias && norm == .rmsNorm
    case .geluGate: mlp.isGated && mlp.activation != .silu
    case .headNorms: queryKeyNorm
    case .wideHeadNorms: queryKeyNormSpansHeads
    case .unitOffset: normUnitOffset
    case .outputNorms: normPlacement != .before
    case .noInputNorms: normPlacement == .after
    case .window: window > 0
    case .otherWindows: otherLayers.map { $0.window != window && $0.rotaryTheta > 0 } ?? false
    // A scaled rope is not that of these layers.
    case .otherBases:
      otherLayers.map { $0.rotaryTheta > 0 && ($0.rotaryTheta != rotaryTheta || ropeScaling != nil) } ?? false
    case .layersWithoutPositions: otherLayers.map { $0.rotaryTheta == 0 } ?? false
    case .attentionScale: attentionScale != nil
    case .attentionCap: attentionCap > 0
    case .logitCap: logitCap > 0
    case .embeddingScale: embeddingScale != 1
    case .residualScale: residualScale != 1
    case .logitScale: logitScale != 1
    }
  }
}

extension Family {
  /// What of an architecture the family does not compute, as a noun; nil if it computes it.
  func problem(_ a: Architecture) -> String? {
    // A family for learned positions or LayerNorm needs them.
    for needed in [Feature.learnedPositions, .layerNorm]
    where features.contains(needed) && !a.has(needed) {
      return "an architecture without \(needed.rawValue)"
    }
    if !features.contains(.layerNorm), !a.mlp.isGated { return "an MLP without a gate but with RMSNorm" }
    if let feature = a.features.first(where: { !features.contains($0) }) { return feature.rawValue }
    return refusal(a)
  }

  /// The family that computes an architecture as we do.
  /// - Throws: `Failure(.badData)` with what no family computes.
  init(of a: Architecture, at place: String) throws {
    if let family = Self.all.first(where: { $0.problem(a) == nil }) {
      self = family
      return
    }
    throw Failure(
      .badData, "\(Self.closest(to: a).problem(a)!) cannot be exported", at: place,
      remedy: "Export a model with the architecture of one of these families: \(Self.names).")
  }

  /// The family with the fewest missing features, for a message.
  private static func closest(to a: Architecture) -> Family {
    let fitting = all.filter { $0.features.contains(.layerNorm) == (a.norm == .layerNorm) }
    return fitting.min { missing(a, $0) < missing(a, $1) }!
  }

  private static func missing(_ a: Architecture, _ family: Family) -> Int {
    a.features.filter { !family.features.contains($0) }.count
  }

  /// The names of all families.
  static var names: String { all.map(\.name).joined(separator: ", ") }
}
