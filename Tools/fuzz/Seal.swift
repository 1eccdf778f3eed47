// Hashes and checksums made true again, by FORMAT.md and not by the reader's own code.
import Support

@testable import Checkpoints
@testable import Compression

enum Seal {
  /// - Parameter data: also the hashes of tensors and sections, where their records can be followed.
  static func checkpoint(_ file: Canvas, data: Bool) {
    guard file.count >= 4096 else { return }
    let (sections, tensors) = (file.u32(64), file.u32(68))
    guard sections <= 256, tensors <= 256 else { return }
    let tables = 4096 + 64 * sections + 128 * tensors
    guard tables <= file.count else { return }
    if data {
      for index in 0..<tensors { seal(file, tensor: 4096 + 64 * sections + 128 * index, sections) }
    }
    var content = Array(file.bytes[128..<384])
    file.put(0, width: 8, at: 56)
    for index in 0..<sections {
      let record = 4096 + 64 * index
      if data { seal(file, section: record) }
      if file.u32(record) == 2 { file.put(file.u64(record + 40), width: 8, at: 56) }
      if file.u32(record) != 1 {
        content += file.bytes[record..<record + 16] + [0, 0, 0, 0, 0, 0, 0, 0]
          + file.bytes[record + 24..<record + 64]
      }
    }
    content += file.bytes[4096 + 64 * sections..<tables]
    file.put(Hash.xxh64(content), width: 8, at: 40)
    file.put(0, width: 8, at: 24)
    file.put(Hash.xxh64(UnsafeRawBufferPointer(rebasing: file.bytes[..<tables])), width: 8, at: 24)
  }

  private static func seal(_ file: Canvas, tensor record: Int, _ sections: Int) {
    guard file.u32(record + 68) < sections, let offset = file.offset(record + 88),
      let base = file.offset(4096 + 64 * file.u32(record + 68) + 16)
    else { return }
    let end: Int
    if file.u8(record + 64) == 2 {
      // The factors, a float32 for each column, come last, at the next multiple of 256 behind the row sums.
      guard let sums = file.offset(record + 112) else { return }
      end = (sums + 4 * file.u32(record + 72) + 255) / 256 * 256 + 4 * file.u32(record + 76)
    } else {
      guard let bytes = file.offset(record + 96) else { return }
      end = offset + bytes
    }
    guard end >= offset, base + end <= file.count else { return }
    file.put(longHash(file, base + offset, base + end), width: 8, at: record + 120)
  }

  private static func seal(_ file: Canvas, section record: Int) {
    guard let start = file.offset(record + 16), let count = file.offset(record + 24),
      start + count <= file.count
    else { return }
    guard file.u32(record) == 1 else {
      return file.put(longHash(file, start, start + count), width: 8, at: record + 40)
    }
    for slot in [start, start + count / 2] where slot + 32 <= file.count {
      guard let length = file.offset(slot + 8), slot + 32 + length <= file.count else { continue }
      let text = UnsafeRawBufferPointer(rebasing: file.bytes[slot + 32..<slot + 32 + length])
      file.put(Hash.xxh64(text, seed: file.u64(slot)), width: 8, at: slot + 16)
    }
  }

  private static func longHash(_ file: Canvas, _ start: Int, _ end: Int) -> UInt64 {
    var hashes: [UInt8] = []
    for block in stride(from: start, to: end, by: 65_536) {
      let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[block..<min(block + 65_536, end)])
      withUnsafeBytes(of: Hash.xxh64(bytes).littleEndian) { hashes += $0 }
    }
    return Hash.xxh64(hashes)
  }

  /// The head's hash, and the seek table's copies of the head's entries.
  /// - Parameter frames: also the hash and size of what each frame expands to.
  static func archive(_ file: Canvas, frames: Bool) {
    guard file.count >= 40 else { return }
    let count = file.u32(20)
    guard count <= 64, 40 + 16 * count + 25 + 8 * count <= file.count else { return }
    let seek = file.count - (8 + 8 * (count + 1) + 9)
    file.put(0x184D_2A50, width: 4, at: 0)
    file.put(UInt64(32 + 16 * count), width: 4, at: 4)
    file.put(0x184D_2A5E, width: 4, at: seek)
    file.put(UInt64(8 * (count + 1) + 9), width: 4, at: seek + 4)
    file.put(UInt64(40 + 16 * count), width: 4, at: seek + 8)
    file.put(0, width: 4, at: seek + 12)
    var (offset, raw) = (40 + 16 * count, 0)
    for index in 0..<count {
      let (entry, row) = (40 + 16 * index, seek + 16 + 8 * index)
      let compressed = file.u32(row)
      if frames, offset + compressed <= seek { seal(file, entry: entry, offset, compressed) }
      offset += compressed
      raw += file.u32(entry + 8)
      file.put(UInt64(file.u32(entry + 8)), width: 4, at: row + 4)
    }
    file.put(UInt64(raw), width: 8, at: 24)
    file.put(UInt64(count + 1), width: 4, at: file.count - 9)
    file.put(0, width: 1, at: file.count - 5)
    file.put(0x8F92_EAB1, width: 4, at: file.count - 4)
    let hashed = Array(file.bytes[8..<32]) + file.bytes[40..<40 + 16 * count]
    file.put(Hash.xxh64(hashed), width: 8, at: 32)
  }

  private static func seal(_ file: Canvas, entry: Int, _ offset: Int, _ count: Int) {
    let frame = UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + count])
    let (raw, planes) = (file.u32(entry + 8), file.u32(entry + 12))
    guard raw <= 1 << 20, [1, 2, 4].contains(planes) else { return }
    let expanded = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * raw, alignment: 16)
    defer { expanded.deallocate() }
    let (split, joined) = (expanded[..<raw], expanded[raw...])
    let target = UnsafeMutableRawBufferPointer(rebasing: split)
    guard (try? Zstd.decompress(frame, into: target, at: "")) != nil else { return }
    let whole = UnsafeMutableRawBufferPointer(rebasing: joined)
    BytePlanes.join(UnsafeRawBufferPointer(target), width: planes, into: whole)
    file.put(Hash.xxh64(UnsafeRawBufferPointer(whole)), width: 8, at: entry)
  }
}
