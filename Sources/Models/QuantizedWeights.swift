import Support
import Tensors

/// The int8 twin of a language model: every matrix quantised by output row, but a table of learned positions;
/// that, norms and biases are the float32 model's own. A token embedding is looked up in int8; where it is
/// tied, the same codes serve as the unembedding.
public final class QuantizedWeights {
  public struct Projection: Sendable {
    /// The float32 tensor it stands for.
    public let name: String
    public let matrix: Int8Matrix
  }

  public let projections: [Projection]
  /// What a cache multiplies keys by, [layers, kvHeads, headDim]: powers of two, 1 where nothing is balanced.
  let keyFactors: UnsafeMutablePointer<Float>
  /// Of the key factors in a checkpoint, [layers, kvHeads, headDim].
  static let keyFactorsName = "key_factors"
  private let layout: ParameterLayout

  /// Room for the int8 codes of every projection, with factors of 1.
  public init(_ layout: ParameterLayout, arena: Arena) throws {
    self.layout = layout
    projections = try Self.projections(of: layout).map { tensor in
      Projection(
        name: tensor.name,
        matrix: try Int8Matrix(
          "int8 \(tensor.name)", outputs: tensor.dims[0], inputs: tensor.dims[1], arena: arena))
    }
    let a = layout.architecture
    keyFactors = try arena.floats("int8 key factors", a.layers * a.keyValueWidth)
    if !arena.isPlan { keyFactors.update(repeating: 1, count: a.layers * a.keyValueWidth) }
  }

  /// Codes and factors that already lie somewhere: a mapped int8 checkpoint.
  public init(
    _ layout: ParameterLayout, projections: [Projection], keyFactors: UnsafeMutablePointer<Float>
  ) {
    self.layout = layout
    self.projections = projections
    self.keyFactors = keyFactors
  }

  /// The tensors that become int8: all matrices but a table of positions.
  public static func projections(of layout: ParameterLayout) -> [ParameterLayout.Tensor] {
    layout.trunk.filter {
      switch $0.role {
      case .tokenEmbedding, .unembedding, .projection: true
      default: false
      }
    }
  }

  /// Chooses the factors by which channels are balanced, by passing random tokens through `parameters`. They
  /// serve until the next call: a policy that learns keeps those of its beginning, so that a run that is resumed
  /// has the same.
  /// - Parameter transformer: of the architecture, computing in float32.
  public func balance(by parameters: ParameterSet, on transformer: Transformer) throws {
    let balance = try ChannelBalance(parameters, on: transformer)
    for projection in projections {
      let matrix = projection.matrix
      let factors = balance.factors(
        of: parameters.values(projection.name)!, outputs: matrix.outputs, inputs: matrix.inputs)
      matrix.factors.update(from: factors, count: matrix.inputs)
    }
    let a = layout.architecture
    for layer in 0..<a.layers {
      let factors = balance.keyFactors(layer: layer)
      (keyFactors + layer * a.keyValueWidth).update(from: factors, count: a.keyValueWidth)
    }
  }

  /// Quantises anew from `parameters`, and the model that computes with the result.
  public func update(from parameters: ParameterSet, compute: Compute) -> TransformerWeights {
    let work = Work("quantizing", of: projections.count)
    defer { work.end() }
    for projection in projections {
      compute.quantize(parameters.values(projection.name)!, into: projection.matrix)
      work.advance()
    }
    return weights(values: parameters.values)
  }

  /// The model that computes with these codes and float32 norms, biases and positions by name.
  func weights(values: (String) -> UnsafeMutablePointer<Float>?) -> TransformerWeights {
    let matrices = Dictionary(uniqueKeysWithValues: projections.map { ($0.name, $0.matrix) })
    return TransformerWeights(
      layout.architecture, values: values, tokenEmbedding: .int8(matrices["token_embedding.weight"]!),
      keyFactors: keyFactors, hasUnembedding: layout.hasUnembedding
    ) { name in
      .int8(matrices[name]!)
    }
  }
}
