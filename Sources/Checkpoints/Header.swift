import Support

/// The header page and the two tables after it, decoded.
struct Header {
  static let checksumOffset = 24
  static let spareOffset = 72

  var minor: UInt32 = Format.minor
  var fileBytes = 0
  var identity: UInt64 = 0
  var baseContentHash: UInt64 = 0
  var tokenizerHash: UInt64 = 0
  var architecture: Architecture
  var training: TrainingRecord
  var sections: [SectionRecord] = []
  var tensors: [TensorRecord] = []

  /// Bytes of header page, section table and tensor directory.
  var tablesBytes: Int {
    Format.headerBytes + Format.sectionRecordBytes * sections.count
      + Format.tensorRecordBytes * tensors.count
  }

  /// The page and the tables, including the checksum.
  func encoded() -> [UInt8] {
    var page = RecordBytes(Format.headerBytes)
    page.put(Format.magic, at: 0)
    page.put(Format.major, at: 8)
    page.put(minor, at: 12)
    page.put(UInt64(fileBytes), at: 16)
    page.put(identity, at: 32)
    page.put(contentHash, at: 40)
    page.put(baseContentHash, at: 48)
    page.put(tokenizerHash, at: 56)
    page.put(UInt32(sections.count), at: 64)
    page.put(UInt32(tensors.count), at: 68)
    page.put(ArchitectureRecord(architecture).bytes, at: Format.architectureOffset)
    page.put(training.record, at: Format.trainingOffset)
    var bytes = page.bytes
    for section in sections { bytes += section.record }
    for tensor in tensors { bytes += tensor.record }
    let checksum = bytes.withUnsafeBytes { Self.checksum($0) }
    withUnsafeBytes(of: checksum.littleEndian) {
      bytes.replaceSubrange(Self.checksumOffset..<Self.checksumOffset + 8, with: $0)
    }
    return bytes
  }

  /// XXH64 over the page and the tables, with the checksum field read as zero.
  static func checksum(_ tables: UnsafeRawBufferPointer) -> UInt64 {
    var copy = Array(tables)
    for offset in checksumOffset..<checksumOffset + 8 { copy[offset] = 0 }
    return Hash.xxh64(copy)
  }

  /// A hash of the file's content, independent of its identity and of section offsets: architecture, training, every
  /// section except CONFIG, every tensor.
  var contentHash: UInt64 {
    var bytes = ArchitectureRecord(architecture).bytes + training.record
    for section in sections where section.kind != SectionKind.config.rawValue {
      var movable = section
      movable.offset = 0
      bytes += movable.record
    }
    for tensor in tensors { bytes += tensor.record }
    return Hash.xxh64(bytes)
  }
}
