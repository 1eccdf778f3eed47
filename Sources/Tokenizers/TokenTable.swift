import Support

/// Maps bytes to the token with these bytes.
struct TokenTable: Sendable {
  private let vocabulary: Vocabulary
  private var slots: [Int32]
  private let shift: UInt64
  /// Two tokens with the same bytes, if there are any; lookups return the first.
  private(set) var repeated: (Int32, Int32)?

  /// A table of the tokens that have all of `traits` and none of `others`.
  init(
    _ vocabulary: Vocabulary, with traits: TokenizerDefinition.Traits,
    without others: TokenizerDefinition.Traits = []
  ) {
    self.vocabulary = vocabulary
    var bits: UInt64 = 4
    while 1 << bits < 2 * vocabulary.count { bits += 1 }
    shift = 64 - bits
    slots = Array(repeating: -1, count: 1 << bits)
    for id in 0..<Int32(vocabulary.count) {
      let own = vocabulary.traits[Int(id)]
      guard own.isSuperset(of: traits), own.isDisjoint(with: others),
        let slot = vocabulary.withBytes(of: id, { place(of: $0) })
      else { continue }
      if slots[slot] >= 0 { repeated = repeated ?? (slots[slot], id) } else { slots[slot] = id }
    }
  }

  subscript(bytes: UnsafeRawBufferPointer) -> Int32? {
    place(of: bytes).flatMap { slots[$0] >= 0 ? slots[$0] : nil }
  }

  subscript(bytes: [UInt8]) -> Int32? { bytes.withUnsafeBytes { self[$0] } }

  private func place(of bytes: UnsafeRawBufferPointer) -> Int? {
    guard !bytes.isEmpty else { return nil }
    var slot = Int((Hash.xxh64(bytes) &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while slots[slot] >= 0 {
      let isSame = vocabulary.withBytes(of: slots[slot]) { $0.elementsEqual(bytes) }
      if isSame { return slot }
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }
}

/// The bytes of all tokens, one after another.
struct Vocabulary: Sendable {
  private(set) var traits: [TokenizerDefinition.Traits] = []
  private var bytes: [UInt8] = []
  /// Token t is `bytes[starts[t]..<starts[t + 1]]`.
  private var starts = [0]

  var count: Int { traits.count }

  mutating func append(_ token: some Collection<UInt8>, _ traits: TokenizerDefinition.Traits) {
    self.traits.append(traits)
    bytes.append(contentsOf: token)
    starts.append(bytes.count)
  }

  /// Whether a token has this id.
  func has(_ id: Int32) -> Bool { id >= 0 && id < count && !traits[Int(id)].isEmpty }

  subscript(id: Int32) -> ArraySlice<UInt8> { bytes[starts[Int(id)]..<starts[Int(id) + 1]] }

  @inline(__always)
  func withBytes<Result>(of id: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[starts[Int(id)]..<starts[Int(id) + 1]]))
    }
  }
}
