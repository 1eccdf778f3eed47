import Support

/// Splits `count` sequences, in order, into micro-batches that fit one pass, and calls `body` with each.
///
/// The split bounds memory and does not change a byte of the result. Nothing is allocated.
/// - Parameters:
///   - capacity: tokens that fit one pass.
///   - name: label of this work in the progress display.
///   - length: returns the number of tokens of a sequence.
@inlinable @inline(__always)
public func forEachMicroBatch(
  of count: Int, capacity: Int, as name: String, length: (Int) -> Int, _ body: (Range<Int>) throws -> Void
) rethrows {
  let work = Work(name, of: count)
  defer { work.end() }
  var (first, sum) = (0, 0)
  for index in 0..<count {
    let length = length(index)
    precondition(length <= capacity, "a sequence of \(length) tokens does not fit a pass of \(capacity)")
    if sum + length > capacity {
      try body(first..<index)
      work.advance(by: index - first)
      (first, sum) = (index, 0)
    }
    sum += length
  }
  if first < count { try body(first..<count) }
}
