/// A view of a row-major float32 matrix: `rows` × `columns`, with `stride` elements from row to row.
///
/// It does not own its memory; the arena or mapped file must outlive it.
public struct Matrix: @unchecked Sendable {
  public let base: UnsafeMutablePointer<Float>
  public let rows: Int
  public let columns: Int
  public let stride: Int

  public init(_ base: UnsafeMutablePointer<Float>, _ rows: Int, _ columns: Int, stride: Int? = nil) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
  }

  /// Row `index`.
  public func row(_ index: Int) -> UnsafeMutablePointer<Float> { base + index * stride }

  /// The first `count` rows.
  public func prefix(_ count: Int) -> Matrix {
    precondition(count <= rows, "prefix(\(count)) of \(rows) rows")
    return Matrix(base, count, columns, stride: stride)
  }

  /// `count` rows, beginning at `first`.
  public func slice(from first: Int, count: Int) -> Matrix {
    precondition(first + count <= rows, "rows \(first)..<\(first + count) of \(rows)")
    return Matrix(row(first), count, columns, stride: stride)
  }

  /// `count` columns, beginning at `first`.
  public func columns(from first: Int, count: Int) -> Matrix {
    precondition(first + count <= columns, "columns \(first)..<\(first + count) of \(columns)")
    return Matrix(base + first, rows, count, stride: stride)
  }

  public func copy(from other: Matrix) {
    precondition(
      rows == other.rows && columns == other.columns,
      "copy \(other.rows)×\(other.columns) to \(rows)×\(columns)")
    if stride == columns && other.stride == columns {
      base.update(from: other.base, count: rows * columns)
    } else {
      for index in 0..<rows { row(index).update(from: other.row(index), count: columns) }
    }
  }

  public func fillZero() {
    precondition(stride == columns, "fillZero of a strided view")
    base.update(repeating: 0, count: rows * columns)
  }
}
