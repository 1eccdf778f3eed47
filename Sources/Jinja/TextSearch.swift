// Searching, splitting and replacing, as in Python's `str`.
extension Text {
  /// The first position of `part` at or after `start`.
  func find(_ part: Text, from start: Int, to end: Int? = nil) -> Int? {
    let end = end ?? count
    let (whole, wanted) = (units, part.units)
    return Text.search(wanted.count, in: end - start) { whole[start + $0] } wanted: { wanted[$0] }
      .map { start + $0 }
  }

  func findLast(_ part: Text, from start: Int = 0, to end: Int? = nil) -> Int? {
    let end = end ?? count
    let (whole, wanted) = (units, part.units)
    return Text.search(wanted.count, in: end - start) { whole[end - 1 - $0] } wanted: {
      wanted[wanted.count - 1 - $0]
    }
    .map { end - $0 - wanted.count }
  }

  /// The first position of the wanted units among `count` units, by the algorithm of Knuth, Morris and Pratt, which
  /// reads every unit once.
  private static func search(
    _ size: Int, in count: Int, _ unit: (Int) -> UInt32, wanted: (Int) -> UInt32
  ) -> Int? {
    guard size <= count else { return nil }
    if size == 0 { return 0 }
    // For each prefix of the wanted units: the length of its longest proper prefix that is also a suffix.
    var borders = size > 1 ? [0] : []
    borders.reserveCapacity(size)
    var border = 0
    while borders.count < size, size > 1 {
      let next = wanted(borders.count)
      while border > 0, (next ^ wanted(border)) & scalarMask != 0 { border = borders[border - 1] }
      if (next ^ wanted(border)) & scalarMask == 0 { border += 1 }
      borders.append(border)
    }
    var matched = 0
    for index in 0..<count {
      let next = unit(index)
      while matched > 0, (next ^ wanted(matched)) & scalarMask != 0 { matched = borders[matched - 1] }
      if (next ^ wanted(matched)) & scalarMask == 0 { matched += 1 }
      if matched == size { return index + 1 - size }
    }
    return nil
  }

  /// The positions of `part` without overlap, at most `limit` of them.
  func occurrences(of part: Text, limit: Int = .max) -> [Int] {
    var places: [Int] = []
    var start = 0
    while places.count < limit, let place = find(part, from: start) {
      places.append(place)
      start = place + part.count
    }
    return places
  }

  func stripped(_ characters: Text?, left: Bool = true, right: Bool = true) -> Text {
    let set = characters.map { Set($0.units.map(Text.value)) }
    func goes(_ unit: UInt32) -> Bool { set.map { $0.contains(Text.value(unit)) } ?? isSpace(unit) }
    var (start, end) = (0, count)
    if left { while start < end, goes(units[start]) { start += 1 } }
    if right { while end > start, goes(units[end - 1]) { end -= 1 } }
    return slice(start..<end)
  }

  /// The parts between white space.
  func words(limit: Int) -> [Text] {
    var parts: [Text] = []
    var start = 0
    while true {
      while start < count, isSpace(units[start]) { start += 1 }
      guard start < count else { return parts }
      if parts.count == limit {
        return parts + [slice(start..<count)]
      }
      let end = units[start...].firstIndex(where: isSpace) ?? count
      parts.append(slice(start..<end))
      start = end
    }
  }

  func wordsFromEnd(limit: Int) -> [Text] {
    var parts: [Text] = []
    var end = count
    while true {
      while end > 0, isSpace(units[end - 1]) { end -= 1 }
      guard end > 0 else { break }
      if parts.count == limit {
        parts.append(slice(0..<end))
        break
      }
      let start = units[..<end].lastIndex(where: isSpace).map { $0 + 1 } ?? 0
      parts.append(slice(start..<end))
      end = start
    }
    return parts.reversed()
  }

  /// The parts between occurrences of `separator`, which must not be empty.
  func split(_ separator: Text, limit: Int) -> [Text] {
    var parts: [Text] = []
    var start = 0
    for place in occurrences(of: separator, limit: limit) {
      parts.append(slice(start..<place))
      start = place + separator.count
    }
    return parts + [slice(start..<count)]
  }

  func splitFromEnd(_ separator: Text, limit: Int) -> [Text] {
    var parts: [Text] = []
    var end = count
    while parts.count < limit, let place = findLast(separator, to: end) {
      parts.append(slice(place + separator.count..<end))
      end = place
    }
    return (parts + [slice(0..<end)]).reversed()
  }

  func lines(keepsEnds: Bool = false) -> [Text] {
    var lines: [Text] = []
    var start = 0
    while start < count {
      let end = units[start...].firstIndex(where: isLineEnd) ?? count
      var next = min(end + 1, count)
      if end + 1 < count, Text.value(units[end]) == 13, Text.value(units[end + 1]) == 10 { next += 1 }
      lines.append(slice(start..<(keepsEnds ? next : end)))
      start = next
    }
    return lines
  }

  func replacing(_ old: Text, with new: Text, limit: Int, _ renderer: Renderer) throws -> Text {
    if old.isEmpty { return try interleaved(new, limit: limit, renderer) }
    let places = occurrences(of: old, limit: limit)
    if places.isEmpty { return self }
    let (growth, overflow) = places.count.multipliedReportingOverflow(by: max(0, new.count - old.count))
    try renderer.chargeText(overflow ? .max : count + growth)
    var result: [UInt32] = []
    var start = 0
    for place in places {
      result += units[start..<place]
      result += new.units
      start = place + old.count
    }
    return with(result + units[start...])
  }

  /// Inserts `new` at the occurrences of an empty text: before every character and at the end.
  private func interleaved(_ new: Text, limit: Int, _ renderer: Renderer) throws -> Text {
    let (growth, overflow) = (min(limit, count + 1)).multipliedReportingOverflow(by: new.count)
    try renderer.chargeText(overflow ? .max : count + growth)
    var result: [UInt32] = []
    for (index, unit) in units.enumerated() {
      if index < limit { result += new.units }
      result.append(unit)
    }
    return with(count < limit ? result + new.units : result)
  }

  /// Padded with `fill` on both sides.
  func padded(left: Int, right: Int, fill: UInt32, _ renderer: Renderer) throws -> Text {
    guard left > 0 || right > 0 else { return self }
    let (sum, overflow) = max(left, 0).addingReportingOverflow(max(right, 0))
    try renderer.chargeText(overflow || sum > Int.max - count ? .max : count + sum)
    return with(
      Array(repeating: fill, count: max(left, 0)) + units + Array(repeating: fill, count: max(right, 0)))
  }

  func centered(_ width: Int, fill: UInt32, _ renderer: Renderer) throws -> Text {
    guard width > count else { return self }
    let margin = width - count
    let left = margin / 2 + (margin & width & 1)
    return try padded(left: left, right: margin - left, fill: fill, renderer)
  }
}
