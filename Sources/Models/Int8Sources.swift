import Checkpoints
import Tensors

extension StoredParameters {
  /// The tensors of this model's int8 version for writing to a checkpoint. They are quantised piece by piece while they
  /// are written, so memory does not grow with the model.
  /// - Parameter transformer: a float32 transformer of the same architecture.
  /// - Throws: `Failure(.badData)` if activations of the model are not finite.
  public func int8Sources(on transformer: Transformer) throws -> [TensorSource] {
    let balance = try ChannelBalance(self, on: transformer)
    let quantized = Set(QuantizedWeights.projections(of: layout).map(\.name))
    let a = layout.architecture
    let keyFactors = (0..<a.layers).flatMap { balance.keyFactors(layer: $0) }
    let tensors = sources(.policy).map { source in
      quantized.contains(source.name) ? int8Source(source, balance, transformer) : source
    }
    return tensors + [
      TensorSource(
        section: .weights, role: .policy, name: QuantizedWeights.keyFactorsName,
        dims: [a.layers, a.kvHeads, a.headDim], type: .float32
      ) { put in try keyFactors.withUnsafeBytes(put) }
    ]
  }

  /// Approximate number of elements in memory at a time.
  private static var pieceElements: Int { 1 << 18 }

  private func int8Source(_ source: TensorSource, _ balance: ChannelBalance, _ transformer: Transformer)
    -> TensorSource
  {
    let weights = stored(source.name)!
    let (outputs, inputs) = (source.dims[0], source.dims[1])
    // Whole groups of 16 rows, because codes are packed in such groups.
    let rows = min(outputs, max(1, Self.pieceElements / inputs / 16) * 16)
    return TensorSource(
      section: source.section, role: source.role, name: source.name, dims: source.dims, type: .int8
    ) { put in
      let codes = UnsafeMutableBufferPointer<Int8>.allocate(
        capacity: Int8Matrix.packedBytes(outputs: rows, inputs: inputs))
      let scales = UnsafeMutableBufferPointer<Float>.allocate(capacity: outputs)
      let sums = UnsafeMutableBufferPointer<Int32>.allocate(capacity: outputs)
      let factors = UnsafeMutableBufferPointer<Float>.allocate(capacity: inputs)
      defer {
        codes.deallocate()
        scales.deallocate()
        sums.deallocate()
        factors.deallocate()
      }
      _ = factors.initialize(from: balance.factors(of: weights, outputs: outputs, inputs: inputs))
      for first in stride(from: 0, to: outputs, by: rows) {
        let piece = Int8Matrix(
          outputs: min(rows, outputs - first), inputs: inputs, codes: codes.baseAddress!,
          scales: scales.baseAddress! + first, rowSums: sums.baseAddress! + first,
          factors: factors.baseAddress!)
        // The scratch memory of `quantize` belongs to the transformer, which this closure keeps alive.
        transformer.compute.quantize(weights.advanced(by: first * inputs), into: piece)
        let bytes = Int8Matrix.packedBytes(outputs: piece.outputs, inputs: inputs)
        try put(UnsafeRawBufferPointer(start: codes.baseAddress!, count: bytes))
      }
      try put(UnsafeRawBufferPointer(scales))
      try put(UnsafeRawBufferPointer(sums))
      try put(UnsafeRawBufferPointer(factors))
    }
  }
}
