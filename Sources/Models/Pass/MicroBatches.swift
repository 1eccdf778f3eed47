import Support

/// Splits `count` sequences, in order, into runs that fit one pass, and gives each to `body`.
///
/// How they are split changes no byte of the result; it only bounds memory. Nothing is allocated.
/// - Parameters:
///   - name: what it is called where people see how far it is.
///   - length: tokens of a sequence.
@inline(__always)
func forEachMicroBatch(
  of count: Int, capacity: Int, as name: String, length: (Int) -> Int, _ body: (Range<Int>) throws -> Void
) rethrows {
  let work = Work(name, of: count)
  defer { work.end() }
  var (first, sum) = (0, 0)
  for index in 0..<count {
    let length = length(index)
    precondition(length <= capacity, "a sequence of \(length) tokens in a pass of \(capacity)")
    if sum + length > capacity {
      try body(first..<index)
      work.advance(by: index - first)
      (first, sum) = (index, 0)
    }
    sum += length
  }
  if first < count { try body(first..<count) }
}
