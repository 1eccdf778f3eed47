import Checkpoints
import Models
import Support

/// Converts a found tensor to a tensor of a checkpoint, piece by piece while it is written. Memory does not grow with
/// the model.
extension FoundTensor {
  /// The approximate number of elements in memory at a time.
  private static let pieceElements = 1 << 18

  private var pieceRows: Int { max(1, Self.pieceElements / width) }

  /// - Parameter rounding: counts the values that `type` changes.
  func source(_ section: SectionKind, as types: ImportedType, _ rounding: RoundingCount) -> TensorSource {
    let type = types.type(of: self)
    return TensorSource(
      section: section, role: .policy, name: ours.name, dims: ours.dims, type: TensorType(type)
    ) { put in
      try forEachPiece { _, floats in
        guard type != .float32 else { return try put(UnsafeRawBufferPointer(floats)) }
        try rounding.convert(floats, to: type, at: parts[0].tensor.place, put)
      }
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
  /// The number of elements of all tensors.
  var parameterCount: Int { reduce(0) { $0 + $1.rows * $1.width } }

  /// The block types, most frequent first.
  var quantizedTypes: [String] {
    var counts: [String: Int] = [:]
    for (tensor, elements) in flatMap(\.parts) where elements.blockElements > 1 {
      counts[elements.name, default: 0] += tensor.dims.reduce(1, *)
    }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }
}
