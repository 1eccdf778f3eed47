/// Finds added tokens in text: the leftmost match, and at the same place the longest.
///
/// Special tokens are found too. In a text written by a chat template they become tokens if the template itself wrote
/// their name. Elsewhere they yield no token, but no other token is found inside them.
struct AddedTokens: Sendable {
  /// A stretch of text, or a token that replaces it.
  struct Section {
    let token: Int32?
    let range: Range<Int>
  }

  private typealias Traits = TokenizerDefinition.Traits

  private struct Found {
    let token: Int32
    let traits: Traits
  }

  private struct Node {
    var children: [UInt8: Int] = [:]
    var found: Found?
  }

  private var nodes = [Node()]
  private var begins = [Bool](repeating: false, count: 256)
  /// Whether no token here can come from plain text.
  private(set) var isEmpty = true

  mutating func add(_ content: [UInt8], _ token: Int32, _ traits: TokenizerDefinition.Traits) {
    guard let first = content.first else { return }
    begins[Int(first)] = true
    var node = 0
    for byte in content {
      if let child = nodes[node].children[byte] {
        node = child
      } else {
        nodes[node].children[byte] = nodes.count
        node = nodes.count
        nodes.append(Node())
      }
    }
    nodes[node].found = Found(token: token, traits: traits)
    if !traits.contains(.special) { isEmpty = false }
  }

  /// - Parameter data: the parts of a chat template's text that came from a dialogue, ascending. No special token is
  ///   made from them. A special token that the template wrote is kept even if the text from the dialogue after it
  ///   would complete a longer name. Nil for a text without special tokens.
  /// - Complexity: linear, times the length of the longest token in bytes.
  func sections(of bytes: UnsafeBufferPointer<UInt8>, data: [Range<Int>]? = nil) -> [Section] {
    var data = data.map { $0[...] }
    var sections: [Section] = []
    var (index, taken) = (0, 0)
    while index < bytes.count {
      guard begins[Int(bytes[index])] else {
        index += 1
        continue
      }
      while let first = data?.first, first.upperBound <= index { data!.removeFirst() }
      // A special token must end before the text of a dialogue begins.
      let limit = data.map { max(index, $0.first?.lowerBound ?? bytes.count) } ?? index
      guard let (found, end) = longest(at: index, in: bytes, specialUpTo: limit) else {
        index += 1
        continue
      }
      var range = index..<end
      index = end
      if found.traits.contains(.special), end > limit { continue }
      if found.traits.contains(.singleWord), !isWord(range, in: bytes) { continue }
      if found.traits.contains(.stripsLeft) {
        let start = max(taken, startOfSpace(before: range.lowerBound, in: bytes))
        range = min(start, end)..<end
      }
      if found.traits.contains(.stripsRight) {
        range = range.lowerBound..<ScannedText(bytes).end(ofRun: ScannedText.space, from: end)
      }
      if taken < range.lowerBound { sections.append(Section(token: nil, range: taken..<range.lowerBound)) }
      sections.append(Section(token: found.token, range: range))
      taken = range.upperBound
    }
    if taken < bytes.count { sections.append(Section(token: nil, range: taken..<bytes.count)) }
    return sections
  }

  /// The longest name at `start`. If it is a special token that ends after `limit`, returns instead the longest
  /// special token inside it that ends at or before `limit`, if there is one.
  private func longest(
    at start: Int, in bytes: UnsafeBufferPointer<UInt8>, specialUpTo limit: Int
  ) -> (found: Found, end: Int)? {
    var (node, index) = (0, start)
    var best, special: (found: Found, end: Int)?
    while index < bytes.count, let child = nodes[node].children[bytes[index]] {
      node = child
      index += 1
      guard let found = nodes[node].found else { continue }
      best = (found, index)
      if found.traits.contains(.special), index <= limit { special = best }
    }
    guard let best, best.found.traits.contains(.special), best.end > limit else { return best }
    return special ?? best
  }

  private func isWord(_ range: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    let text = ScannedText(bytes)
    return (range.lowerBound == 0
      || text.first(at: start(before: range.lowerBound, in: bytes)).classes & ScannedText.word == 0)
      && text[range.upperBound].classes & ScannedText.word == 0
  }

  private func startOfSpace(before end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    let text = ScannedText(bytes)
    var index = end
    while index > 0 {
      let previous = start(before: index, in: bytes)
      guard text.first(at: previous).classes & ScannedText.space != 0 else { break }
      index = previous
    }
    return index
  }

  /// The start of the scalar that ends at `end`.
  private func start(before end: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var index = end - 1
    while index > 0, end - index < 4, bytes[index] & 0xC0 == 0x80 { index -= 1 }
    return UTF8Scalars.scalar(at: index, in: bytes).map { index + $0.length == end } == true
      ? index : end - 1
  }
}
