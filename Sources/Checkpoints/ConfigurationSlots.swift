import Support

/// The CONFIG section: two slots of equal size. The valid slot with the higher generation is in force. A rewrite
/// fills the other slot, so that an interrupted write leaves the old text in force.
///
/// A slot has: generation u64 (0 = never written), length u64, hash u64, zero u64, text, zeros.
enum ConfigurationSlots {
  static let headerBytes = 32
  static let slotUnit = 32_768

  /// The size of one slot for a text: room for the text plus half of it again.
  static func slotBytes(for length: Int) -> Int {
    Format.roundUp(headerBytes + length + length / 2, to: slotUnit)
  }

  /// The bytes of one slot; `count` must be large enough for the text.
  static func slot(_ text: [UInt8], generation: UInt64, count: Int) -> [UInt8] {
    precondition(headerBytes + text.count <= count, "\(text.count) bytes in a slot of \(count)")
    var slot = RecordBytes(count)
    slot.put(generation, at: 0)
    slot.put(UInt64(text.count), at: 8)
    slot.put(hash(text, generation: generation), at: 16)
    slot.put(text, at: headerBytes)
    return slot.bytes
  }

  /// A new section: the text is in slot 0; slot 1 is empty.
  static func section(_ text: [UInt8]) -> [UInt8] {
    let count = slotBytes(for: text.count)
    return slot(text, generation: 1, count: count) + [UInt8](repeating: 0, count: count)
  }

  struct Current {
    var text: [UInt8]
    var generation: UInt64
    var index: Int
  }

  /// The text in force, or nil if neither slot is valid.
  static func current(_ section: UnsafeRawBufferPointer) -> Current? {
    let count = section.count / 2
    var best: Current?
    for index in 0..<2 {
      guard let slot = read(section.slice(at: index * count, count: count), index: index) else { continue }
      if slot.generation > best?.generation ?? 0 { best = slot }
    }
    return best
  }

  /// The first byte that is not zero after the text of a valid slot, or in a slot that was never written.
  ///
  /// If the machine stopped during an edit, the slot starts with the start of a text, because that part is written
  /// first. Such a slot is not damage.
  static func firstDamage(_ section: UnsafeRawBufferPointer) -> Int? {
    let count = section.count / 2
    for index in 0..<2 {
      let slot = section.slice(at: index * count, count: count)
      let isTorn = slot[headerBytes] == UInt8(ascii: "{")
      let text = read(slot, index: index)?.text.count
      guard let start = text.map({ headerBytes + $0 }) ?? (isTorn ? nil : 0) else { continue }
      if let byte = slot.slice(at: start, count: count - start).firstNonZero() { return index * count + start + byte }
    }
    return nil
  }

  private static func read(_ slot: UnsafeRawBufferPointer, index: Int) -> Current? {
    guard slot.count >= headerBytes, slot.u64(0) > 0, let length = Int(exactly: slot.u64(8)),
      length <= min(slot.count - headerBytes, Format.maximumJSONBytes), slot.u64(24) == 0
    else { return nil }
    let text = Array(slot.slice(at: headerBytes, count: length))
    guard slot.u64(16) == hash(text, generation: slot.u64(0)) else { return nil }
    return Current(text: text, generation: slot.u64(0), index: index)
  }

  private static func hash(_ text: [UInt8], generation: UInt64) -> UInt64 {
    Hash.xxh64(text, seed: generation)
  }
}
