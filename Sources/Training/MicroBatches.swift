/// Splits a step's sequences, in order, into runs that fit one pass.
///
/// How they are split changes no byte of the result; it only bounds memory.
func microBatches(_ lengths: [Int], capacity: Int) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  var (first, sum) = (0, 0)
  for (index, length) in lengths.enumerated() {
    precondition(length <= capacity, "a sequence of \(length) tokens in a pass of \(capacity)")
    if sum + length > capacity {
      ranges.append(first..<index)
      (first, sum) = (index, 0)
    }
    sum += length
  }
  if first < lengths.count { ranges.append(first..<lengths.count) }
  return ranges
}
