import Checkpoints
import Support
import Tensors

public typealias Architecture = Checkpoints.Architecture

extension Architecture {
  /// GPT-2's options, with the given size.
  public static func gpt2(
    layers: Int, dModel: Int, heads: Int, vocabulary: Int, context: Int
  ) -> Architecture {
    Architecture(
      layers: layers, dModel: dModel, heads: heads, vocabulary: vocabulary, context: context)
  }

  /// Width of all query heads together.
  public var queryWidth: Int { heads * headDim }
  /// Width of all key heads (or value heads) together.
  public var keyValueWidth: Int { kvHeads * headDim }
  /// Width of the fused projection: queries, keys, values.
  public var qkvWidth: Int { queryWidth + 2 * keyValueWidth }
  /// Width of the MLP's first projection; with a gate it is gate and up together.
  public var upWidth: Int { mlp.isGated ? 2 * dFF : dFF }

  /// The window of a layer [tokens]; 0 for none.
  package func window(of layer: Int) -> Int {
    if let otherLayers, otherLayers.contains(layer) { return otherLayers.window }
    return window
  }

  /// Number of elements of all matrices, rounded to float64 so that no shape overflows.
  public var matrixElements: Double {
    let rows = Double(qkvWidth) + Double(queryWidth) + Double(upWidth) + Double(dFF)
    return Double(dModel) * (Double(vocabulary) + Double(layers) * rows)
  }

  /// Upper bound of `matrixElements`: the bytes of a few such models still fit an `Int`.
  private static let mostElements = 0x1p56

  /// - Throws: `Failure(.badData)` for the first contradiction or unsupported value.
  public func validate(at place: String? = nil) throws {
    try requireStorable(at: place)
    guard matrixElements <= Self.mostElements else {
      throw Failure(
        .badData, "a model of \(matrixElements) parameters is larger than any memory", at: place,
        remedy: "Choose fewer or narrower layers.")
    }
    guard headDim <= AttentionShape.widestHead else {
      throw Failure(
        .badData,
        "a head of \(headDim) elements is wider than \(AttentionShape.widestHead), the most that "
          + "attention computes", at: place, remedy: "Use more heads.")
    }
  }
}

extension Architecture {
  /// The factor of the scores of attention.
  package var attentionFactor: Float { attentionScale ?? 1 / Float(headDim).squareRoot() }

  /// Sets `attentionScale`, which stays nil for 1/√headDim.
  package mutating func setAttentionScale(_ factor: Float) {
    attentionScale = factor == 1 / Float(headDim).squareRoot() ? nil : factor
  }
}

extension Architecture.OtherLayers {
  /// The shortest pattern of these layers, without window and positions; nil if none is short enough, or if no layer
  /// differs.
  package init?(_ differs: [Bool]) {
    guard differs.contains(true) else { return nil }
    // If all layers differ, the pattern has one more place, which no layer has.
    let differs = differs.contains(false) ? differs : differs + [false]
    let period = (1...min(Self.longestPeriod, differs.count)).first { period in
      differs.indices.allSatisfy { differs[$0] == differs[$0 % period] }
    }
    guard let period else { return nil }
    self.init(period: period, places: 0)
    for place in 0..<period where differs[place] { places |= 1 << UInt64(place) }
  }
}
