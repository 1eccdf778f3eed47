import Support

/// Checks a JSON text for duplicate keys and excessive size before decoding. A plain decoder silently keeps one
/// duplicate, and it needs memory for every value.
///
/// Invalid JSON is left to the decoder.
struct JSONKeys {
  /// More than the largest vocabularies with their merges have.
  static let valueLimit = 1 << 22
  /// In bytes, with the quotes: much longer than real names, but fast to decode.
  private static let longestKey = 1 << 12
  private static let longestText = 1 << 20

  let text: UnsafeBufferPointer<UInt8>
  let place: String
  let firstByte: Int
  let valueLimit: Int

  /// - Throws: `Failure(.badData)` with the first key that appears twice in one object and its byte; or with the byte
  ///   at which there are too many values.
  func requireUnique() throws {
    // One entry for each open list and object; nil for a list. Maps the hash of a key to its position.
    var open: [[UInt64: Int]?] = []
    var (index, values) = (0, 0)
    while index < text.count {
      switch text[index] {
      case UInt8(ascii: "\""):
        let end = endOfText(at: index)
        guard end - index <= Self.longestText else {
          throw tooLong("a text", bytes: end - index, limit: Self.longestText, at: index)
        }
        if let keys = open.last, keys != nil, isKey(before: end) {
          guard end - index <= Self.longestKey else {
            throw tooLong("a key", bytes: end - index, limit: Self.longestKey, at: index)
          }
          let key = key(index..<end)
          if let earlier = open[open.count - 1]!.updateValue(index, forKey: Hash.xxh64(key)),
            self.key(earlier..<endOfText(at: earlier)) == key
          {
            throw Failure(
              .badData, "the key \(quoted(key)) appears twice in one object",
              at: "\(place), byte \(firstByte + index)", remedy: "Leave one of the two out.")
          }
        }
        index = end
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        // The decoder reports what is wrong.
        guard open.count < JSON.depthLimit else { return }
        open.append(text[index] == UInt8(ascii: "{") ? [UInt64: Int]() : nil)
        values += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        guard open.popLast() != nil else { return }
      case UInt8(ascii: ","):
        values += 1
        guard values <= valueLimit else {
          throw Failure(
            .badData, "has more than \(valueLimit) values", at: "\(place), byte \(firstByte + index)",
            remedy: "Name another file.")
        }
      default: break
      }
      index += 1
    }
  }

  private func tooLong(_ what: String, bytes: Int, limit: Int, at index: Int) -> Failure {
    Failure(
      .badData, "\(what) has \(bytes) bytes; the limit is \(limit)", at: "\(place), byte \(firstByte + index)",
      remedy: "Name another file.")
  }

  /// The index after the closing quote of the text that opens at `start`, or the end of the input.
  private func endOfText(at start: Int) -> Int {
    var index = start + 1
    while index < text.count {
      switch text[index] {
      case UInt8(ascii: "\\"): index += 2
      case UInt8(ascii: "\""): return index + 1
      default: index += 1
      }
    }
    return text.count
  }

  /// Whether a colon follows the text that ends at `end`.
  private func isKey(before end: Int) -> Bool {
    let next = text[end...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return next == UInt8(ascii: ":")
  }

  /// The decoded key: `"\u0061"` is `a`.
  private func key(_ quoted: Range<Int>) -> [UInt8] {
    let bytes = Array(text[quoted])
    let content = Array(bytes.dropFirst().dropLast())
    guard content.contains(UInt8(ascii: "\\")) else { return content }
    let decoded = try? JSON.decode(
      [String].self, from: [UInt8(ascii: "[")] + bytes + [UInt8(ascii: "]")], at: place)
    return decoded.map { Array($0[0].utf8) } ?? content
  }
}
