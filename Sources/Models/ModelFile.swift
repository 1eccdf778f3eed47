import Checkpoints
import Support
import Tensors

/// A model in a mapped checkpoint: its parameters are used where they lie.
public final class ModelFile: @unchecked Sendable {
  public let checkpoint: Checkpoint
  public let architecture: Architecture
  public let layout: ParameterLayout
  /// Projections in int8, embeddings and norms in float32.
  public let isInt8: Bool

  /// - Throws: `Failure(.badData)` when the tensors are not those of the architecture.
  public init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    architecture = Architecture(checkpoint.architecture)
    try architecture.validate(at: checkpoint.path)
    layout = ParameterLayout(architecture, scalarHead: checkpoint.training.kind.hasScalarHead)
    isInt8 = checkpoint.tensors(in: .weights, role: .policy).contains { $0.type == .int8 }
    if !isInt8 {
      try Self.require(layout.trunk, in: .weights, checkpoint)
      try Self.require(layout.head, in: .head, checkpoint)
    }
  }

  /// The float32 parameters, in the mapping.
  ///
  /// - Throws: `Failure(.badData)` for an int8 model.
  public func parameters() throws -> ParameterSet {
    guard !isInt8 else {
      throw Failure(
        .badData, "is an int8 model, and float32 weights are needed", at: checkpoint.path,
        remedy: "Use the model that it was quantised from.")
    }
    func base(_ kind: SectionKind) throws -> UnsafeMutablePointer<Float> {
      let bytes = try checkpoint.sectionBytes(kind, .policy)
      return bytes.baseAddress!.assumingMemoryBound(to: Float.self)
    }
    return ParameterSet(
      layout, trunk: try base(.weights), head: layout.hasScalarHead ? try base(.head) : nil,
      owner: self)
  }

  /// What computes: float32 or int8, as the file has it.
  public func weights() throws -> TransformerWeights {
    guard isInt8 else { return TransformerWeights(try parameters()) }
    let tensors = checkpoint.tensors(in: .weights, role: .policy)
    var floats: [String: UnsafeMutablePointer<Float>] = [:]
    var projections: [QuantizedWeights.Projection] = []
    for tensor in tensors {
      if tensor.type == .int8 {
        let name = tensor.name == Self.tiedUnembedding ? Self.tokenEmbedding : tensor.name
        projections.append(
          QuantizedWeights.Projection(
            name: name,
            matrix: Int8Matrix(
              outputs: tensor.dims[0], inputs: tensor.dims[1],
              codes: tensor.pointer.assumingMemoryBound(to: Int8.self),
              scales: tensor.scales!, rowSums: tensor.rowSums!)))
      } else {
        floats[tensor.name] = tensor.floats
      }
    }
    try requireInt8(projections, floats)
    return QuantizedWeights(layout, projections: projections).weights { floats[$0] }
  }

  private static let tokenEmbedding = "token_embedding.weight"
  private static let tiedUnembedding = "unembedding.weight"

  private func requireInt8(
    _ projections: [QuantizedWeights.Projection],
    _ floats: [String: UnsafeMutablePointer<Float>]
  ) throws {
    let quantized = Set(QuantizedWeights.projections(of: layout).map(\.name))
    for tensor in layout.trunk {
      let hasCodes = projections.contains {
        $0.name == tensor.name && [$0.matrix.outputs, $0.matrix.inputs] == tensor.dims
      }
      let needsFloats = !quantized.contains(tensor.name) || tensor.name == Self.tokenEmbedding
      guard quantized.contains(tensor.name) == hasCodes,
        !needsFloats || floats[tensor.name] != nil
      else {
        throw Failure(
          .badData, "the tensor \(tensor.name) is missing or of another shape",
          at: checkpoint.path)
      }
    }
  }

  private static func require(
    _ wanted: [ParameterLayout.Tensor], in kind: SectionKind, _ checkpoint: Checkpoint
  ) throws {
    let found = checkpoint.tensors(in: kind, role: .policy)
    for (index, tensor) in wanted.enumerated() {
      guard index < found.count, found[index].name == tensor.name,
        found[index].dims == tensor.dims, found[index].type == .float32
      else {
        throw Failure(
          .badData,
          "the tensor \(tensor.name) \(tensor.dims) is missing from the \(kind) of the policy",
          at: checkpoint.path)
      }
    }
  }
}

extension ModelKind {
  /// Reward and value models have a scalar head instead of an unembedding.
  public var hasScalarHead: Bool { self == .reward || self == .value }
}
