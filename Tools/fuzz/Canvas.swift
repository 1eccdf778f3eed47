// A file that an input changes in a few places: most of the bytes of a checkpoint are padding, and an
// input that spelt them out would be long and slow.
import Support

/// A copy of a sound file, with edits that are taken back before the next input.
final class Canvas {
  private let original: [UInt8]
  /// Zero beyond the original, so that a file can also grow.
  private let memory: UnsafeMutableRawBufferPointer
  private var changed: [Range<Int>] = []
  private(set) var count: Int

  init(_ original: [UInt8]) {
    self.original = original
    memory = .allocate(byteCount: original.count + 4096, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    memory.copyBytes(from: original)
    count = original.count
  }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

  func u8(_ offset: Int) -> Int { Int(memory[offset]) }
  func u32(_ offset: Int) -> Int { Int(memory.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
  func u64(_ offset: Int) -> UInt64 { memory.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
  /// nil where no file reaches so far.
  func offset(_ field: Int) -> Int? { Int(exactly: u64(field)).flatMap { $0 <= memory.count ? $0 : nil } }

  func restore() {
    for range in changed {
      for byte in range { memory[byte] = byte < original.count ? original[byte] : 0 }
    }
    changed.removeAll(keepingCapacity: true)
    count = original.count
  }

  func put(_ value: UInt64, width: Int, at offset: Int) {
    guard offset >= 0, offset + width <= memory.count else { return }
    changed.append(offset..<offset + width)
    for byte in 0..<width { memory[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
  }

  /// Cut short, or longer by a few zeros.
  func resize(_ count: Int) { self.count = max(0, min(count, memory.count)) }

  /// One edit within `span` bytes from `base`: an offset, an operation and its value. Written as they
  /// are, added, or xor-ed; 1, 2, 4 or 8 bytes.
  /// - Returns: where.
  @discardableResult
  func edit(_ input: inout Bytes, base: Int, span: Int) -> Int {
    let offset = base + (span > 0 ? input.u16() % span : 0)
    let operation = input.u8()
    let width = 1 << (operation & 3)
    guard offset + width <= memory.count else { return offset }
    let old = (0..<width).reduce(UInt64(0)) { $0 | UInt64(memory[offset + $1]) << (8 * $1) }
    switch operation >> 2 & 3 {
    case 0, 1: put(input.number(width), width: width, at: offset)
    case 2: put(old &+ UInt64(bitPattern: Int64(Int8(bitPattern: input.u8()))), width: width, at: offset)
    default: put(old ^ 1 << UInt64(input.u8() & 63), width: width, at: offset)
    }
    return offset
  }
}
