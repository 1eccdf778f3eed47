/// The tokens of a piece before any merge.
struct Alphabet: Sendable {
  static let none: Int32 = -1

  /// The token of each byte. If tokens are made of characters: the byte tokens that an unknown character falls back to.
  var bytes = [Int32](repeating: none, count: 256)
  /// The token of each character; nil if tokens are made of bytes.
  var characters: [UInt32: Int32]?
  var unknown: Int32?
  var fusesUnknown = false

  @inline(__always)
  func append(_ piece: UnsafeBufferPointer<UInt8>, to tokens: inout [Int32]) {
    if characters != nil || unknown != nil {
      appendSlowly(piece, to: &tokens)
    } else {
      for byte in piece {
        let token = bytes[Int(byte)]
        if token != Self.none { tokens.append(token) }
      }
    }
  }

  private func appendSlowly(_ piece: UnsafeBufferPointer<UInt8>, to tokens: inout [Int32]) {
    var index = 0
    var isInUnknown = false
    while index < piece.count {
      let start = index
      var known: Int32?
      if let characters {
        let scalar = UTF8Scalars.scalar(at: index, in: piece)
        index += scalar?.length ?? 1
        known = scalar.flatMap { characters[$0.value] }
      } else {
        index += 1
      }
      if let known {
        tokens.append(known)
        isInUnknown = false
      } else if bytes[Int(piece[start])] != Self.none {
        for byte in piece[start..<index] where bytes[Int(byte)] != Self.none { tokens.append(bytes[Int(byte)]) }
        isInUnknown = false
      } else if let unknown {
        if !(isInUnknown && fusesUnknown) { tokens.append(unknown) }
        isInUnknown = true
      }
    }
  }
}
