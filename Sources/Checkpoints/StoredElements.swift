import CSupport
import Support

/// A way in which a file stores the elements of a tensor.
public protocol StoredElements: Sendable {
  /// The number of elements stored together as a block; 1 without blocks.
  var blockElements: Int { get }
  /// The type of elements that are stored one by one and have a value of their own; nil for all others.
  var element: ElementType? { get }

  /// Reads `count` elements from element `first` on, both multiples of the block length; `source` need not be aligned.
  func read(_ source: UnsafeRawPointer, from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>)
}

extension ElementType: StoredElements {
  public var blockElements: Int { 1 }
  public var element: ElementType? { self }
}

/// The int8 form of a matrix `[rows, columns]` in a checkpoint: packed codes, then a scale and a sum for each row, then
/// a factor for each column. Each part begins at a multiple of 256 bytes.
///
/// Its elements are the stored values, scale times code: the weights balanced and rotated (FORMAT.md).
public struct PackedElements: StoredElements {
  let rows, columns: Int
  /// The offsets of the parts behind the codes, from the first byte of the tensor.
  let scales, rowSums, factors: Int

  init(rows: Int, columns: Int, codeBytes: Int) {
    self.rows = rows
    self.columns = columns
    scales = Format.roundUp(codeBytes, to: Format.tensorAlignment)
    rowSums = Format.roundUp(scales + 4 * rows, to: Format.tensorAlignment)
    factors = Format.roundUp(rowSums + 4 * rows, to: Format.tensorAlignment)
  }

  /// The size of all parts.
  var byteCount: Int { factors + 4 * columns }

  public var blockElements: Int { 1 }
  public var element: ElementType? { nil }

  public func read(
    _ source: UnsafeRawPointer, from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>
  ) {
    ts_unpack_codes(
      source.assumingMemoryBound(to: Int8.self), (source + scales).assumingMemoryBound(to: Float.self), columns,
      first, count, floats)
  }
}
