import Testing

import Support

@Suite struct ElementTypeTests {
  private func read(_ type: ElementType, _ bits: [UInt16]) -> [Float] {
    var floats = [Float](repeating: 0, count: bits.count)
    bits.withUnsafeBytes { type.read($0.baseAddress!, from: 0, count: bits.count, into: &floats) }
    return floats
  }

  private func write(_ type: ElementType, _ floats: [Float]) -> [UInt16] {
    var bits = [UInt16](repeating: 0, count: floats.count)
    bits.withUnsafeMutableBytes { type.write(floats, count: floats.count, to: $0.baseAddress!) }
    return bits
  }

  @Test("every float16 and every bfloat16 becomes the float32 that it is, and itself again")
  func exact() {
    let all = (0...UInt16.max).map { $0 }
    for (bits, value) in zip(all, read(.float16, all)) {
      let expected = Float(Float16(bitPattern: bits))
      #expect(value.bitPattern == expected.bitPattern || value.isNaN && expected.isNaN, "\(bits)")
    }
    for (bits, value) in zip(all, read(.bfloat16, all)) {
      #expect(value.bitPattern == UInt32(bits) << 16, "\(bits)")
    }
    for type in [ElementType.float16, .bfloat16] {
      let finite = all.filter { bits in read(type, [bits])[0].isFinite }
      #expect(write(type, read(type, finite)) == finite, "\(type)")
    }
  }

  @Test("rounding is to the nearest, ties to even; up to the limit nothing becomes infinite")
  func rounding() {
    let one: UInt32 = 0x3F80_0000
    let values = [one + 0x7FFF, one + 0x8000, one + 0x8001, one + 0x1_8000].map { Float(bitPattern: $0) }
    #expect(write(.bfloat16, values) == [0x3F80, 0x3F80, 0x3F81, 0x3F82])
    for type in [ElementType.float16, .bfloat16] {
      let edge = [type.largest, type.largest.nextUp, -type.largest]
      #expect(read(type, write(type, edge)).map(\.isFinite) == [true, false, true], "\(type)")
    }
  }

  @Test("elements need not be aligned")
  func unaligned() {
    let bytes: [UInt8] = [9, 0x80, 0x3F, 0x00, 0xC0]
    var floats: [Float] = [0, 0]
    bytes.withUnsafeBytes {
      ElementType.bfloat16.read($0.baseAddress! + 1, from: 0, count: 2, into: &floats)
    }
    #expect(floats == [1, -2])
  }
}
