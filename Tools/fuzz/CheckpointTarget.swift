// The reader of checkpoints, from bytes in memory: header, tables, CONFIG, then hashes and values, then
// the model in it.
import Models
import Support

@testable import Checkpoints

/// An input is one byte and a list of edits of a sound file; with bit 0 of that byte every hash and
/// checksum is made true again afterwards, so that the edits are met by the rules and not by the hashes.
/// With bit 3 the model is opened, else the file is verified. Bits 1, 2 and 4 choose the file: a model in float32, in
/// int8, in training, in 16 bits, or none: the rest is a file as it is.
final class CheckpointTarget: Target {
  private let canvases: [Canvas]

  static func seeds() -> [[UInt8]] {
    var seeds: [[UInt8]] = [[0], [1], [2], [3], [16], [16] + Format.magic]
    for field in [8, 16, 64, 68, 128, 132, 136, 140, 144, 148, 152, 172, 184, 256, 260] {
      seeds.append([1, 0, UInt8(field & 255), UInt8(field >> 8), 0x02, 1, 0, 0, 0])
    }
    for kind in 1...6 {
      for file in UInt8(0)..<4 {
        for bits: UInt8 in [1, 9] { seeds.append([file << 1 | bits, UInt8(kind), 0, 0, 0x00, 1]) }
      }
    }
    return seeds
  }

  init() throws {
    canvases = try [Template.model(), Template.int8(), Template.training(), Template.halves()].map(Canvas.init)
    for canvas in canvases {
      try Self.open(canvas.bytes, asModel: false)
      try Self.open(canvas.bytes, asModel: true)
    }
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let mode = input.u8()
    let number = Int(mode >> 1 & 3 | mode >> 2 & 4)
    guard number < canvases.count else { return try Self.open(input.rest, asModel: false) }
    let canvas = canvases[number]
    canvas.restore()
    var touchesData = false
    while !input.isEmpty { touchesData = Self.edit(canvas, &input) || touchesData }
    if mode & 1 != 0 { Seal.checkpoint(canvas, data: touchesData) }
    try Self.open(canvas.bytes, asModel: mode & 8 != 0)
  }

  /// - Returns: whether bytes behind the tables have changed.
  private static func edit(_ canvas: Canvas, _ input: inout Bytes) -> Bool {
    let place = input.u8()
    let index = Int(place >> 3)
    let sections = min(max(canvas.u32(64), 1), 32)
    let tensors = min(max(canvas.u32(68), 1), 32)
    let firstTensor = Format.headerBytes + Format.sectionRecordBytes * sections
    switch place & 7 {
    case 0, 7: canvas.edit(&input, base: 0, span: 512)
    case 1:
      let record = Format.headerBytes + Format.sectionRecordBytes * (index % (sections + 1))
      canvas.edit(&input, base: record, span: Format.sectionRecordBytes)
    case 2:
      let record = firstTensor + Format.tensorRecordBytes * (index % (tensors + 1))
      canvas.edit(&input, base: record, span: Format.tensorRecordBytes)
    case 3:
      let record = Format.headerBytes + Format.sectionRecordBytes * (index % sections)
      canvas.edit(&input, base: canvas.offset(record + 16) ?? 0, span: 512)
      return true
    case 4:
      let record = firstTensor + Format.tensorRecordBytes * (index % tensors)
      let section = Format.headerBytes + Format.sectionRecordBytes * (canvas.u32(record + 68) % sections)
      let start = (canvas.offset(section + 16) ?? 0) + (canvas.offset(record + 88) ?? 0)
      canvas.edit(&input, base: start, span: 1024)
      return true
    case 5: canvas.edit(&input, base: Format.headerBytes, span: 4096)
    default:
      let delta = Int(Int8(bitPattern: input.u8())) * (index & 1 == 0 ? 1 : 512)
      canvas.resize(canvas.count + delta)
      if index & 2 != 0 { canvas.put(UInt64(canvas.count), width: 8, at: 16) }
    }
    return false
  }

  /// The cheap half first: most inputs end there, before any memory is asked for.
  private static func open(_ bytes: UnsafeRawBufferPointer, asModel: Bool) throws {
    if !Expansion.isArchive(bytes) {
      _ = try HeaderReader(file: "input", bytes: bytes, fileBytes: bytes.count).read()
    }
    let checkpoint = try Checkpoint(bytes: bytes, name: "input")
    let whole = checkpoint.storage.bytes
    for section in checkpoint.sections {
      for tensor in checkpoint.tensors(in: section.kind, role: section.role) {
        let range = tensor.range(in: whole)
        require(
          range.lowerBound % 256 == 0 && range.lowerBound >= Format.headerBytes && range.upperBound <= whole.count,
          "\(tensor.name) lies outside")
        let elements = tensor.type!.byteCount(tensor.dims)!
        require(
          tensor.type == .int8 ? elements < range.count : elements == range.count, "\(tensor.name) has other dims")
      }
    }
    // Commands open a model without verifying it, so it has to stand what verification refuses.
    if asModel { _ = try ModelFile(checkpoint).weights() } else { try checkpoint.verify() }
  }
}
