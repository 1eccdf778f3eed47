import Support

/// The architecture as the header page stores it: 32 words of four bytes, at offsets that are multiples of four.
struct ArchitectureRecord {
  private var words = [UInt32](repeating: 0, count: Format.recordBytes / 4)

  /// The record of an architecture. A count that does not fit a word is out of bounds even after clamping, so the
  /// record has a contradiction.
  init(_ architecture: Architecture) {
    for field in ArchitectureField.all { self[field.offset] |= field.word(architecture) }
    if let places = architecture.otherLayers?.places {
      self[ArchitectureField.placesOffset] = UInt32(truncatingIfNeeded: places)
      self[ArchitectureField.placesOffset + 4] = UInt32(truncatingIfNeeded: places >> 32)
    }
  }

  init(_ r: UnsafeRawBufferPointer) {
    for index in words.indices { words[index] = r.u32(4 * index) }
  }

  subscript(offset: Int) -> UInt32 {
    get { words[offset / 4] }
    set { words[offset / 4] = newValue }
  }

  func float(_ offset: Int) -> Float { Float(bitPattern: self[offset]) }

  /// Two words as one number of 64 bits.
  func long(_ offset: Int) -> UInt64 { UInt64(self[offset]) | UInt64(self[offset + 4]) << 32 }

  var bytes: [UInt8] {
    var record = RecordBytes(Format.recordBytes)
    for (index, word) in words.enumerated() { record.put(word, at: 4 * index) }
    return record.bytes
  }

  /// The first contradiction between fields, with its offset in the record; nil if there is none.
  func contradiction() -> (offset: Int, what: String)? {
    for field in ArchitectureField.all {
      if let what = field.problem(self) { return (field.offset, what) }
    }
    return nil
  }

  /// The architecture of a record without contradiction.
  var architecture: Architecture {
    var architecture = Architecture(layers: 1, dModel: 1, heads: 1, vocabulary: 1, context: 1)
    for field in ArchitectureField.all { field.read(self, &architecture) }
    return architecture
  }
}

extension Architecture {
  /// - Throws: `Failure(.badData)` with the first contradiction between fields.
  package func requireStorable(at place: String?) throws {
    guard attentionBias || !attentionOutputBias else {
      throw Failure(
        .badData, "the attention output has a bias, but queries, keys and values have none", at: place)
    }
    let record = ArchitectureRecord(self)
    if let (_, what) = record.contradiction() { throw Failure(.badData, what, at: place) }
    // The record stores 0 for a plain value, so a value of 0, or one below it, would come back as another.
    if let field = ArchitectureField.all.first(where: { $0.json(self) != $0.json(record.architecture) }) {
      throw Failure(.badData, "\(field.key) has a value that cannot be stored", at: place)
    }
  }
}
