/// How another program stores the elements of a tensor that we can read.
protocol StoredElements: Sendable {
  /// What files call it: `F16`, `Q4_K`.
  var name: String { get }
  /// Elements that are stored together; 1 where each stands alone.
  var blockElements: Int { get }

  /// `count` elements from element `first` on, both multiples of a block; `source` need not be aligned.
  func read(
    _ source: UnsafeRawPointer, from first: Int, count: Int, into floats: UnsafeMutablePointer<Float>)
}
