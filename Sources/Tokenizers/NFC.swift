import CUnicode

/// Unicode's normal form C, in the Unicode version that the `tokenizers` library uses.
enum NFC {
  /// The normal form; nil if the text is already in it. Bytes that are not UTF-8 stay unchanged.
  /// - Complexity: linear, except for runs of combining marks, which are sorted.
  static func normalize(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var output: [UInt8]?
    var (index, copied, previous) = (0, 0, 0)
    while index < bytes.count {
      // Below U+0300, whose first byte is 0xCC, nothing composes.
      guard bytes[index] >= 0xCC else {
        if bytes[index] < 0x80 || bytes[index] >= 0xC0 { previous = index }
        index += 1
        continue
      }
      guard let (scalar, length) = UTF8Scalars.scalar(at: index, in: bytes) else {
        index += 1
        previous = index
        continue
      }
      guard cu_classes(scalar) & ScannedText.composing != 0 else {
        previous = index
        index += length
        continue
      }
      // The range goes from the previous scalar, with which this one may compose, to the next scalar that does not
      // compose.
      let before = previous < index ? UTF8Scalars.scalar(at: previous, in: bytes) : nil
      let start = before.map { previous + $0.length == index } == true ? previous : index
      var scalars: [UInt32] = []
      var end = start
      while end < bytes.count, let (next, length) = UTF8Scalars.scalar(at: end, in: bytes),
        end <= index || cu_classes(next) & ScannedText.composing != 0
      {
        scalars.append(next)
        end += length
      }
      if output == nil {
        output = []
        output!.reserveCapacity(bytes.count)
      }
      output!.append(contentsOf: bytes[copied..<start])
      for scalar in compose(decompose(scalars)) { UTF8Scalars.append(scalar, to: &output!) }
      (index, copied, previous) = (end, end, end)
    }
    guard output != nil else { return nil }
    output!.append(contentsOf: bytes[copied...])
    return output
  }

  /// Canonical decomposition, with marks in canonical order.
  private static func decompose(_ scalars: [UInt32]) -> [UInt32] {
    var marks: [(scalar: UInt32, combining: UInt8)] = []
    var parts: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
    for scalar in scalars {
      withUnsafeMutableBytes(of: &parts) { raw in
        let parts = raw.assumingMemoryBound(to: UInt32.self)
        let count = Int(cu_decompose(scalar, parts.baseAddress!))
        if count == 0 { marks.append((scalar, cu_combining(scalar))) }
        for part in parts.prefix(count) { marks.append((part, cu_combining(part))) }
      }
    }
    var output: [UInt32] = []
    output.reserveCapacity(marks.count)
    var start = 0
    while start < marks.count {
      var end = start + 1
      if marks[start].combining != 0 {
        while end < marks.count, marks[end].combining != 0 { end += 1 }
      }
      // The sort is stable: marks of equal class keep their order.
      let sorted = (start..<end).sorted { (marks[$0].combining, $0) < (marks[$1].combining, $1) }
      output.append(contentsOf: sorted.map { marks[$0].scalar })
      start = end
    }
    return output
  }

  /// Composes each mark with the last starter, unless a mark of the same or a higher class is between them.
  private static func compose(_ scalars: [UInt32]) -> [UInt32] {
    var output: [UInt32] = []
    output.reserveCapacity(scalars.count)
    var starter: Int?
    var lastClass: UInt8 = 0
    for scalar in scalars {
      let combining = cu_combining(scalar)
      if let starter {
        let isAdjacent = starter == output.count - 1
        let composed = isAdjacent || lastClass < combining ? cu_compose(output[starter], scalar) : 0
        if composed != 0 {
          output[starter] = composed
          continue
        }
      }
      if combining == 0 { starter = output.count }
      lastClass = combining
      output.append(scalar)
    }
    return output
  }
}
