import Support

/// Expands one block of each kind to float32. Each value is rounded where PyPI's `gguf` (`gguf.quants.dequantize`)
/// rounds it, so that the bits are the same: a product, or a product of products minus a product, each of them a
/// float32.
///
/// The layouts are those of llama.cpp's `ggml-common.h`: blocks of 32 with a float16 scale, and blocks of 256 (K). In
/// the latter, groups of 16 or 32 have scales of a few bits, in units of the block's float16.
enum GGUFBlocks {
  typealias Source = UnsafeRawPointer
  typealias Target = UnsafeMutablePointer<Float>

  @inline(__always)
  private static func half(_ block: Source, _ offset: Int) -> Float {
    ElementType.float(half: block.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inline(__always)
  private static func byte(_ block: Source, _ offset: Int) -> Int {
    Int(block.load(fromByteOffset: offset, as: UInt8.self))
  }

  @inline(__always)
  private static func signed(_ block: Source, _ offset: Int) -> Int {
    Int(block.load(fromByteOffset: offset, as: Int8.self))
  }

  // MARK: Blocks of 32

  /// The low halves of 16 bytes are elements 0…15, the high halves are elements 16…31.
  @inline(__always)
  private static func nibble(_ block: Source, codes: Int, _ i: Int) -> Int {
    byte(block, codes + i % 16) >> (i / 16 * 4) & 15
  }

  /// A nibble, and above it bit i of the four bytes at `high`.
  @inline(__always)
  private static func five(_ block: Source, codes: Int, high: Int, _ i: Int) -> Int {
    nibble(block, codes: codes, i) | (byte(block, high + i / 8) >> (i % 8) & 1) << 4
  }

  static func q4_0(_ block: Source, _ floats: Target) {
    let scale = half(block, 0)
    for i in 0..<32 { floats[i] = scale * Float(nibble(block, codes: 2, i) - 8) }
  }

  static func q4_1(_ block: Source, _ floats: Target) {
    let (scale, least) = (half(block, 0), half(block, 2))
    for i in 0..<32 { floats[i] = scale * Float(nibble(block, codes: 4, i)) + least }
  }

  static func q5_0(_ block: Source, _ floats: Target) {
    let scale = half(block, 0)
    for i in 0..<32 { floats[i] = scale * Float(five(block, codes: 6, high: 2, i) - 16) }
  }

  static func q5_1(_ block: Source, _ floats: Target) {
    let (scale, least) = (half(block, 0), half(block, 2))
    for i in 0..<32 { floats[i] = scale * Float(five(block, codes: 8, high: 4, i)) + least }
  }

  static func q8_0(_ block: Source, _ floats: Target) {
    let scale = half(block, 0)
    for i in 0..<32 { floats[i] = Float(signed(block, 2 + i)) * scale }
  }

  // MARK: Blocks of 256

  /// Two bits of element i: 32 bytes hold one pair of bits of each of 128 elements.
  @inline(__always)
  private static func pair(_ block: Source, codes: Int, _ i: Int) -> Int {
    byte(block, codes + i / 128 * 32 + i % 32) >> (i % 128 / 32 * 2) & 3
  }

  /// Four bits of element i: 32 bytes hold 64 elements.
  @inline(__always)
  private static func four(_ block: Source, codes: Int, _ i: Int) -> Int {
    byte(block, codes + i / 64 * 32 + i % 32) >> (i % 64 / 32 * 4) & 15
  }

  /// scales[16], codes[64], scale of scales, scale of minima.
  static func q2_K(_ block: Source, _ floats: Target) {
    let (unit, least) = (half(block, 80), half(block, 82))
    for group in 0..<16 {
      let scale = unit * Float(byte(block, group) & 15)
      let offset = least * Float(byte(block, group) >> 4)
      for i in 16 * group..<16 * group + 16 { floats[i] = scale * Float(pair(block, codes: 16, i)) - offset }
    }
  }

  /// high bits[32], codes[64], scales of six bits[12], scale of scales.
  static func q3_K(_ block: Source, _ floats: Target) {
    let unit = half(block, 108)
    for group in 0..<16 {
      let low = byte(block, 96 + group % 8) >> (group / 8 * 4) & 15
      let high = byte(block, 104 + group % 4) >> (group / 4 * 2) & 3
      let scale = unit * Float((low | high << 4) - 32)
      for i in 16 * group..<16 * group + 16 {
        // The offset is zero if the bit is set.
        let offset = (byte(block, i % 32) >> (i / 32) & 1 ^ 1) << 2
        floats[i] = scale * Float(pair(block, codes: 32, i) - offset)
      }
    }
  }

  /// Scale and minimum of a group of 32, six bits each, packed into twelve bytes. The last four groups have their
  /// high two bits above those of the first four.
  @inline(__always)
  private static func scales(_ block: Source, at: Int, of group: Int) -> (scale: Int, least: Int) {
    let (i, d, m) = (group % 4, byte(block, at + group % 4), byte(block, at + 4 + group % 4))
    guard group >= 4 else { return (d & 63, m & 63) }
    let both = byte(block, at + 8 + i)
    return (both & 15 | d >> 2 & 48, both >> 4 | m >> 2 & 48)
  }

  /// scale of scales, scale of minima, scales and minima[12], codes[128].
  static func q4_K(_ block: Source, _ floats: Target) {
    let (unit, least) = (half(block, 0), half(block, 2))
    for group in 0..<8 {
      let found = scales(block, at: 4, of: group)
      let (scale, offset) = (unit * Float(found.scale), least * Float(found.least))
      for i in 32 * group..<32 * group + 32 { floats[i] = scale * Float(four(block, codes: 16, i)) - offset }
    }
  }

  /// The same as `q4_K`, with high bits[32] before the codes.
  static func q5_K(_ block: Source, _ floats: Target) {
    let (unit, least) = (half(block, 0), half(block, 2))
    for group in 0..<8 {
      let found = scales(block, at: 4, of: group)
      let (scale, offset) = (unit * Float(found.scale), least * Float(found.least))
      for i in 32 * group..<32 * group + 32 {
        let code = four(block, codes: 48, i) | (byte(block, 16 + i % 32) >> group & 1) << 4
        floats[i] = scale * Float(code) - offset
      }
    }
  }

  /// low halves[128], high pairs[64], scales[16], scale of scales.
  static func q6_K(_ block: Source, _ floats: Target) {
    let unit = half(block, 208)
    for i in 0..<256 {
      let scale = unit * Float(signed(block, 192 + i / 16))
      // 64 bytes hold the low four bits of 128 elements.
      let low = byte(block, i / 128 * 64 + i % 64) >> (i % 128 / 64 * 4) & 15
      floats[i] = scale * Float((low | pair(block, codes: 128, i) << 4) - 32)
    }
  }
}
