import Support

/// A tensor for another program, made from one of ours while it is written.
struct OutgoingTensor {
  let name: String
  let dims: [Int]
  /// The number of rows and the elements per row in which it is read; their product equals that of the dims.
  let rows: Int
  let width: Int
  /// Writes rows as float32 to the buffer.
  let read: (Range<Int>, UnsafeMutablePointer<Float>) -> Void

  var count: Int { rows * width }

  /// The parts made from our tensor at `base`.
  static func parts(
    _ correspondence: Correspondence, of base: StoredFloats
  ) -> [OutgoingTensor] {
    let (rows, width) = (correspondence.rows, correspondence.width)
    return correspondence.parts.enumerated().map { number, part in
      guard case .rows = correspondence.arrangement else {
        return OutgoingTensor(name: part.name, dims: part.dims, rows: width, width: rows) {
          range, floats in
          for (i, k) in range.enumerated() {
            for n in 0..<rows { floats[i * rows + n] = base[n * width + k] }
          }
        }
      }
      let runs = correspondence.inverse(part: number)
      return OutgoingTensor(
        name: part.name, dims: part.dims, rows: part.dims.reduce(1, *) / width, width: width
      ) { range, floats in
        for run in runs {
          let found = range.clamped(to: run.first..<run.first + run.count)
          guard !found.isEmpty else { continue }
          base.read(
            from: (run.theirs + found.lowerBound - run.first) * width, count: found.count * width,
            into: floats + (found.lowerBound - range.lowerBound) * width)
        }
        if correspondence.offset != 0 {
          for i in 0..<range.count * width { floats[i] += correspondence.offset }
        }
      }
    }
  }

  /// Passes all rows as float32 to `body`, in pieces of about a megabyte. A piece has a multiple of `rowStep` rows.
  /// - Throws: `Failure(.badData)` for a value whose magnitude is over `largest` or is NaN; `.interrupted`.
  func forEachPiece(
    largest: Float, rowStep: Int = 1, _ body: (UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let pieceRows = max(1, (1 << 18) / width / rowStep) * rowStep
    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(rows, pieceRows) * width)
    defer { floats.deallocate() }
    for first in stride(from: 0, to: rows, by: pieceRows) {
      try Interruption.check()
      let range = first..<min(first + pieceRows, rows)
      read(range, floats.baseAddress!)
      let piece = UnsafeBufferPointer(rebasing: floats[..<(range.count * width)])
      if let bad = piece.first(where: { !($0.magnitude <= largest) }) {
        throw Failure(
          .badData, "the value \(bad) cannot be stored in this type", at: "tensor \"\(name)\"",
          remedy: bad.isFinite ? "Export as float32." : "Export an earlier checkpoint.")
      }
      try body(piece)
    }
  }
}
