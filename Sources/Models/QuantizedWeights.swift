import Support
import Tensors

/// The int8 twin of a language model: every projection quantised by output row; embeddings, norms
/// and biases are the float32 model's own.
public final class QuantizedWeights: @unchecked Sendable {
  public struct Projection: Sendable {
    /// The float32 tensor it stands for.
    public let name: String
    public let matrix: Int8Matrix
  }

  public let projections: [Projection]
  private let layout: ParameterLayout

  /// Room for the int8 codes of every projection.
  public init(_ layout: ParameterLayout, arena: Arena) throws {
    self.layout = layout
    projections = try Self.projections(of: layout).map { tensor in
      Projection(
        name: tensor.name,
        matrix: try Int8Matrix(
          "int8 \(tensor.name)", outputs: tensor.dims[0], inputs: tensor.dims[1], arena: arena))
    }
  }

  /// Codes that already lie somewhere: a mapped int8 checkpoint.
  public init(_ layout: ParameterLayout, projections: [Projection]) {
    self.layout = layout
    self.projections = projections
  }

  /// The tensors that become int8: all matrices but the embeddings; a tied embedding serves as the
  /// unembedding and has an int8 copy for that.
  public static func projections(of layout: ParameterLayout) -> [ParameterLayout.Tensor] {
    layout.trunk.filter { tensor in
      guard tensor.dims.count == 2 else { return false }
      if tensor.name == "token_embedding.weight" {
        return layout.architecture.tiedEmbeddings && layout.hasUnembedding
      }
      return tensor.name != "position_embedding.weight"
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
    return weights(over: parameters)
  }

  /// The model that computes with these codes and `parameters`' embeddings, norms and biases.
  public func weights(over parameters: ParameterSet) -> TransformerWeights {
    weights(values: parameters.values)
  }

  func weights(values: (String) -> UnsafeMutablePointer<Float>?) -> TransformerWeights {
    let matrices = Dictionary(uniqueKeysWithValues: projections.map { ($0.name, $0.matrix) })
    return TransformerWeights(
      layout.architecture, values: values, hasUnembedding: layout.hasUnembedding
    ) { name in
      .int8(matrices[name]!)
    }
  }
}
