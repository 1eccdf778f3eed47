import Checkpoints
import Tensors

extension ParameterSet {
  /// This model as the tensors of a checkpoint.
  public func sources(_ role: Role, section: SectionKind = .weights, prefix: String = "")
    -> [TensorSource]
  {
    func source(
      _ tensor: ParameterLayout.Tensor, _ base: UnsafeMutablePointer<Float>, _ kind: SectionKind
    ) -> TensorSource {
      TensorSource(
        section: kind, role: role, name: prefix + tensor.name, dims: tensor.dims, type: .float32,
        bytes: UnsafeRawBufferPointer(start: base + tensor.offset, count: 4 * tensor.count))
    }
    let headSection = section == .weights ? SectionKind.head : section
    return layout.trunk.map { source($0, trunk, section) }
      + layout.head.map { source($0, head!, headSection) }
  }
}

extension QuantizedWeights {
  /// This model as the tensors of a checkpoint: int8 projections in the place of the float32 ones.
  public func sources(over parameters: ParameterSet) -> [TensorSource] {
    let codes = Dictionary(uniqueKeysWithValues: projections.map { ($0.name, $0.matrix) })
    var sources: [TensorSource] = []
    for source in parameters.sources(.policy) {
      guard let matrix = codes[source.name] else {
        sources.append(source)
        continue
      }
      let isTied = source.name == "token_embedding.weight"
      if isTied { sources.append(source) }
      sources.append(Self.source(isTied ? "unembedding.weight" : source.name, matrix))
    }
    return sources
  }

  private static func source(_ name: String, _ matrix: Int8Matrix) -> TensorSource {
    TensorSource(
      section: .weights, role: .policy, name: name, dims: [matrix.outputs, matrix.inputs],
      type: .int8,
      bytes: UnsafeRawBufferPointer(
        start: matrix.codes,
        count: Int8Matrix.packedBytes(outputs: matrix.outputs, inputs: matrix.inputs)),
      scales: UnsafeRawBufferPointer(start: matrix.scales, count: 4 * matrix.outputs),
      rowSums: UnsafeRawBufferPointer(start: matrix.rowSums, count: 4 * matrix.outputs))
  }
}
