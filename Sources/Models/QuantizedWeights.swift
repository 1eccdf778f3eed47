import Support
import Tensors

/// The int8 version of a language model.
///
/// Every matrix except the table of learned positions is quantised, with one scale per output row. The position
/// table, norms and biases are the tensors of the model that it was made from. The token embedding is looked up in int8; if it is
/// tied, the same codes are the unembedding.
public final class QuantizedWeights {
  public struct Projection: Sendable {
    /// Name of the tensor that is quantised.
    public let name: String
    public let matrix: Int8Matrix
  }

  public let projections: [Projection]
  /// An int8 cache multiplies keys by these factors, [layers, kvHeads, headDim]: powers of two, 1 without balancing.
  let keyFactors: UnsafeMutablePointer<Float>
  /// Tensor name of the key factors in a checkpoint, [layers, kvHeads, headDim].
  static let keyFactorsName = "key_factors"
  private let layout: ParameterLayout

  /// Allocates the int8 codes of every projection and sets all factors to 1.
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

  /// Uses codes and factors that are already in memory, such as those of a mapped int8 checkpoint.
  public init(
    _ layout: ParameterLayout, projections: [Projection], keyFactors: UnsafeMutablePointer<Float>
  ) {
    self.layout = layout
    self.projections = projections
    self.keyFactors = keyFactors
  }

  /// The tensors that become int8: all matrices except the position table.
  public static func projections(of layout: ParameterLayout) -> [ParameterLayout.Tensor] {
    layout.trunk.filter {
      switch $0.role {
      case .tokenEmbedding, .unembedding, .projection: true
      default: false
      }
    }
  }

  /// Chooses the factors that balance the channels, from a pass of random tokens through `parameters`. The factors are
  /// used until the next call. A policy in training keeps its initial factors, so that a resumed run has the same ones.
  /// - Parameter transformer: a float32 transformer of the same architecture.
  public func balance(by parameters: any StoredParameters, on transformer: Transformer) throws {
    let balance = try ChannelBalance(parameters, on: transformer)
    for projection in projections {
      let matrix = projection.matrix
      let factors = balance.factors(
        of: parameters.stored(projection.name)!, outputs: matrix.outputs, inputs: matrix.inputs)
      matrix.factors.update(from: factors, count: matrix.inputs)
    }
    let a = layout.architecture
    for layer in 0..<a.layers {
      let factors = balance.keyFactors(layer: layer)
      (keyFactors + layer * a.keyValueWidth).update(from: factors, count: a.keyValueWidth)
    }
  }

  /// Quantises `parameters` again and returns the int8 weights.
  public func update(from parameters: any StoredParameters, compute: Compute) -> TransformerWeights {
    let work = Work("quantizing", of: projections.count)
    defer { work.end() }
    for projection in projections {
      compute.quantize(parameters.stored(projection.name)!, into: projection.matrix)
      work.advance()
    }
    return weights { parameters.stored($0)?.floats }
  }

  /// The weights with these codes.
  /// - Parameter values: returns float32 norms, biases and positions by name.
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
