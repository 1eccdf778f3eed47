import Checkpoints
import Models
import Support

/// From our tensors to another program's.
extension Correspondence<NamedShape> {
  /// The parts as sources for a file of the other program, made from our tensor at `base` while they are written.
  func sources(of base: StoredFloats) -> [TensorSource] {
    let (rows, width) = (rows, width)
    return parts.enumerated().map { number, part in
      guard !isTransposed else {
        return TensorSource(name: part.name, dims: part.dims, width: rows) { range, floats in
          for (i, k) in range.enumerated() {
            for n in 0..<rows { floats[i * rows + n] = base[n * width + k] }
          }
        }
      }
      let inverse = inverse(part: number)
      return TensorSource(name: part.name, dims: part.dims, width: width) { range, floats in
        for run in inverse {
          let found = range.clamped(to: run.first..<run.first + run.count)
          guard !found.isEmpty else { continue }
          base.read(
            from: (run.theirs + found.lowerBound - run.first) * width, count: found.count * width,
            into: floats + (found.lowerBound - range.lowerBound) * width)
        }
        if offset != 0 {
          for i in 0..<range.count * width { floats[i] += offset }
        }
      }
    }
  }

  /// The runs of one part in its own row order. In them, `first` is the part's row and `theirs` is our row.
  private func inverse(part: Int) -> [RowRun] {
    runs.filter { $0.part == part }.sorted { $0.theirs < $1.theirs }.map {
      RowRun(first: $0.theirs, part: 0, theirs: $0.first, count: $0.count)
    }
  }
}

extension TensorSource {
  /// Passes all elements as float32 to `body`, in pieces, for a file of another program.
  /// - Throws: `Failure(.badData)` for a value whose magnitude is over `largest` or is NaN; `.interrupted`.
  func forEachPiece(largest: Float, _ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
    try forEachPiece { piece in
      try Interruption.check()
      if let bad = piece.first(where: { !($0.magnitude <= largest) }) {
        throw Failure(
          .badData, "the value \(bad) cannot be stored in this type", at: "tensor \"\(name)\"",
          remedy: bad.isFinite ? "Export as float32." : "Export an earlier checkpoint.")
      }
      try body(piece)
    }
  }
}
