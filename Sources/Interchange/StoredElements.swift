import Support

/// A supported way in which another program stores the elements of a tensor.
protocol StoredElements: Sendable {
  /// The name in files: `F16`, `Q4_K`.
  var name: String { get }
  /// The number of elements stored together as a block; 1 without blocks.
  var blockElements: Int { get }
  /// The type of elements that are stored one by one; nil for blocks.
  var element: ElementType? { get }

  /// Reads `count` elements from element `first` on, both multiples of the block length; `source` need not be aligned.
  func read(
    _ source: UnsafeRawPointer, from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>)
}

extension ElementType: StoredElements {
  var name: String { rawValue }
  var blockElements: Int { 1 }
  var element: ElementType? { self }
}
