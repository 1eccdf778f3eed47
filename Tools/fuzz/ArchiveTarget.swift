// The reader of archives, `.trlhf.zst`: ours with its tables, and what the zstd command makes.
import Support

@testable import Checkpoints
@testable import Compression

/// An input is one byte and a list of edits of a sound archive; bit 0 of that byte makes the tables agree
/// again, bit 3 the frames' hashes too.
final class ArchiveTarget: Target {
  private let canvases: [Canvas]

  static func seeds() -> [[UInt8]] {
    var seeds: [[UInt8]] = [[6]]
    for template in 0..<3 {
      for flags in [0, 1, 9] {
        let mode = UInt8(template << 1 | flags)
        seeds.append([mode])
        for kind in 0..<6 { seeds.append([mode, UInt8(kind), 0, 0, 0x0C, 1]) }
      }
    }
    return seeds
  }

  init() throws {
    let whole = try Template.config()
    let small = (0..<100).map { UInt8($0 % 7) }
    let frame = try whole.withUnsafeBytes { try Zstd.Compressor().compress($0, .level(3)) }
    canvases = [
      Canvas(try Template.archive(small, piece: 41, width: 4)),
      Canvas(try Template.archive(whole, piece: 65_536, width: 4)),
      Canvas(Self.withoutChecksum(frame)),
    ]
  }

  /// A frame whose damage zstd's own checksum does not notice.
  private static func withoutChecksum(_ frame: [UInt8]) -> [UInt8] {
    var frame = Array(frame.dropLast(4))
    frame[4] &= ~4
    return frame
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let mode = input.u8()
    guard mode >> 1 & 3 < canvases.count else { return try Self.open(input.rest) }
    let canvas = canvases[Int(mode >> 1 & 3)]
    canvas.restore()
    while !input.isEmpty { Self.edit(canvas, &input) }
    if mode & 1 != 0, mode >> 1 & 3 != 2 { Seal.archive(canvas, frames: mode & 8 != 0) }
    try Self.open(canvas.bytes)
  }

  private static func edit(_ canvas: Canvas, _ input: inout Bytes) {
    let place = input.u8()
    let index = Int(place >> 3)
    let frames = min(canvas.u32(20), 32)
    let seek = canvas.count - ArchiveLayout.seekBytes(frames)
    switch place & 7 {
    case 0: canvas.edit(&input, base: 0, span: ArchiveLayout.headBytes(0))
    case 1: canvas.edit(&input, base: ArchiveLayout.headBytes(index % (frames + 1)), span: 16)
    case 2: canvas.edit(&input, base: max(0, seek) + 8 * (index % (frames + 4)), span: 8)
    case 3, 4: canvas.edit(&input, base: ArchiveLayout.headBytes(frames), span: max(1, min(seek, 65_536)))
    case 5: canvas.resize(canvas.count + Int(Int8(bitPattern: input.u8())))
    default: canvas.edit(&input, base: 0, span: canvas.count)
    }
  }

  private static func open(_ bytes: UnsafeRawBufferPointer) throws {
    if Archive.isArchive(bytes) {
      let archive = try Archive(bytes, name: "input")
      let raw = archive.rawBytes
      require(raw <= archive.frameCount << 20, "\(raw) bytes in \(archive.frameCount) frames")
      // Of one that is long enough the checkpoint inside is opened, which expands it.
      guard raw < 4096 else { return try Checkpoint(bytes: bytes, name: "input").verify() }
      var done = 0
      for (index, frame) in archive.frames.enumerated() {
        require(frame.rawOffset == done, "frame \(index) at \(frame.rawOffset), not \(done)")
        done += try archive.frame(index).count
      }
      require(done == raw, "\(done) bytes expanded, where \(raw) are stated")
    }
    try Checkpoint(bytes: bytes, name: "input").verify()
  }
}
