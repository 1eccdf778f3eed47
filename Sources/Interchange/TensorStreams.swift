import Checkpoints
import Models
import Tensors

/// A found tensor as one of a checkpoint, made piece by piece when they are written: memory
/// does not grow with the model.
extension FoundTensor {
  /// About so many elements are in memory at a time.
  private static let pieceElements = 1 << 18

  /// Rows of a piece, a multiple of 16 as int8 codes are packed.
  private var pieceRows: Int { max(1, Self.pieceElements / width / 16) * 16 }

  func source(_ section: SectionKind) -> TensorSource {
    TensorSource(section: section, role: .policy, name: ours.name, dims: ours.dims, type: .float32) {
      put in try forEachPiece { _, floats in try put(UnsafeRawBufferPointer(floats)) }
    }
  }

  /// Quantised by rows.
  func int8Source(name: String, _ compute: Compute) -> TensorSource {
    TensorSource(section: .weights, role: .policy, name: name, dims: ours.dims, type: .int8) { put in
      let scales = UnsafeMutableBufferPointer<Float>.allocate(capacity: rows)
      let sums = UnsafeMutableBufferPointer<Int32>.allocate(capacity: rows)
      let codes = UnsafeMutableBufferPointer<Int8>.allocate(
        capacity: Int8Matrix.packedBytes(outputs: min(rows, pieceRows), inputs: width))
      defer {
        scales.deallocate()
        sums.deallocate()
        codes.deallocate()
      }
      try forEachPiece { range, floats in
        let piece = Int8Matrix(
          outputs: range.count, inputs: width, codes: codes.baseAddress!,
          scales: scales.baseAddress! + range.lowerBound, rowSums: sums.baseAddress! + range.lowerBound)
        compute.quantize(floats.baseAddress!, into: piece)
        let bytes = Int8Matrix.packedBytes(outputs: range.count, inputs: width)
        try put(UnsafeRawBufferPointer(start: codes.baseAddress!, count: bytes))
      }
      try put(UnsafeRawBufferPointer(scales))
      try put(UnsafeRawBufferPointer(sums))
    }
  }

  private func forEachPiece(
    _ body: (Range<Int>, UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(rows, pieceRows) * width)
    defer { floats.deallocate() }
    for first in stride(from: 0, to: rows, by: pieceRows) {
      let range = first..<min(first + pieceRows, rows)
      try read(range, into: floats.baseAddress!)
      try body(range, UnsafeBufferPointer(rebasing: floats[..<(range.count * width)]))
    }
  }
}

extension [FoundTensor] {
  /// Elements of all tensors.
  var parameterCount: Int { reduce(0) { $0 + $1.rows * $1.width } }

  /// Types of blocks, the most frequent first.
  var quantizedTypes: [String] {
    var counts: [String: Int] = [:]
    for (tensor, elements) in flatMap(\.parts) where elements.blockElements > 1 {
      counts[elements.name, default: 0] += tensor.dims.reduce(1, *)
    }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }

  /// The tensors with the projections in int8, as `tinyrlhf quantize` would make them.
  func int8Sources(of architecture: Architecture, _ compute: Compute) -> [TensorSource] {
    let layout = ParameterLayout(architecture, scalarHead: false)
    let quantized = Set(QuantizedWeights.projections(of: layout).map(\.name))
    return flatMap { tensor in
      let name = tensor.ours.name
      guard quantized.contains(name) else { return [tensor.source(.weights)] }
      // A tied embedding is looked up in float32 and multiplied with in int8.
      guard name == "token_embedding.weight" else { return [tensor.int8Source(name: name, compute)] }
      return [tensor.source(.weights), tensor.int8Source(name: "unembedding.weight", compute)]
    }
  }
}
