import Support

/// Reads and validates the header page and both tables. Every number is checked before it is used.
struct HeaderReader {
  let file: String
  /// Contains at least the page and the tables, if the file has them.
  let bytes: UnsafeRawBufferPointer
  /// The size of the whole file.
  let fileBytes: Int

  func failure(
    _ what: String, byte: Int, in record: String,
    remedy: String = "Copy the file again; it was damaged.", code: Failure.Code? = .damagedFile
  ) -> Failure {
    Failure(.badData, what, at: "\(file), byte \(byte) (\(record))", remedy: remedy, code: code)
  }

  /// - Throws: `Failure(.badData)` naming the file, the byte and the record.
  func read() throws -> Header {
    try checkPage()
    let page = bytes.slice(at: 0, count: Format.headerBytes)
    try checkTables(sections: Int(page.u32(64)), tensors: Int(page.u32(68)))
    var header = Header(architecture: try architecture(), training: try training())
    header.minor = page.u32(12)
    header.fileBytes = fileBytes
    header.identity = page.u64(32)
    header.baseContentHash = page.u64(48)
    header.tokenizerHash = page.u64(56)
    try SectionTableReader(reader: self).read(count: Int(page.u32(64)), into: &header)
    try TensorDirectoryReader(reader: self).read(count: Int(page.u32(68)), into: &header)
    try checkHashes(header)
    return header
  }

  private func checkPage() throws {
    guard fileBytes > 0 else {
      throw Failure(.badData, "is empty", at: file, remedy: "Copy the file again.")
    }
    try checkMagic()
    guard fileBytes >= Format.headerBytes, bytes.count >= Format.headerBytes else {
      throw failure(
        "the file ends inside its header page", byte: fileBytes, in: "header",
        remedy: "Copy it again; it was cut short.")
    }
    try checkByteOrder()
    let (major, minor) = (bytes.u32(8), bytes.u32(12))
    guard major == Format.major else {
      throw failure(
        "format version \(major).\(minor); this program reads version \(Format.major)", byte: 8,
        in: "header",
        remedy: major > Format.major ? "Use a newer program." : "This file is damaged.", code: nil)
    }
    let stated = bytes.u64(16)
    guard stated == UInt64(fileBytes) else {
      let verdict = stated > UInt64(fileBytes) ? "it was cut short" : "something was appended"
      throw failure(
        "the file has \(fileBytes) bytes, but its header states \(stated)", byte: 16, in: "header",
        remedy: "Copy it again; \(verdict).")
    }
  }

  /// Detects a file whose numbers were written in big-endian order.
  private func checkByteOrder() throws {
    let size = UInt64(fileBytes)
    let swapped: (what: String, byte: Int)
    if bytes.u32(8) == Format.major.byteSwapped {
      swapped = ("version \(Format.major)", 8)
    } else if bytes.u64(16) == size.byteSwapped && size != size.byteSwapped {
      swapped = ("size \(size)", 16)
    } else {
      return
    }
    throw failure(
      "its \(swapped.what) is in reverse byte order: the numbers are big-endian",
      byte: swapped.byte, in: "header", remedy: "Write them least significant byte first.", code: nil)
  }

  private func checkMagic() throws {
    let start = Array(bytes.prefix(Format.magic.count))
    // A file that ends inside its magic is reported by its size, not here.
    if Format.magic.starts(with: start) { return }
    let what: String
    let remedy: String
    if [0x28, 0xB5, 0x2F, 0xFD] == start.prefix(4) || start.starts(with: [0x50, 0x2A, 0x4D, 0x18]) {
      what = "this is a zstd archive"
      remedy = "Expand it with `tinyrlhf unpack`."
    } else if start.starts(with: Format.splitMagic) {
      what = "this archive was expanded by zstd alone, which does not join its byte planes"
      remedy = "Expand the archive with `tinyrlhf unpack`."
    } else if [0x54, 0x52, 0x4C] == start.dropFirst().prefix(3) {
      what = "the first bytes were changed by a transfer in text mode"
      remedy = "Copy the file again in binary mode."
    } else {
      what = "this is not a .trlhf checkpoint"
      remedy = "Name a .trlhf or a .trlhf.zst file."
    }
    throw failure(what, byte: 0, in: "header", remedy: remedy, code: nil)
  }

  private func checkTables(sections: Int, tensors: Int) throws {
    guard (1...Format.maximumSections).contains(sections) else {
      throw failure(
        "\(sections) sections; 1 to \(Format.maximumSections) are allowed", byte: 64, in: "header"
      )
    }
    guard tensors <= Format.maximumTensors else {
      throw failure(
        "\(tensors) tensors; up to \(Format.maximumTensors) are allowed", byte: 68, in: "header")
    }
    let tables =
      Format.headerBytes + sections * Format.sectionRecordBytes + tensors * Format.tensorRecordBytes
    guard tables <= bytes.count else {
      throw failure(
        "the file ends inside its tables", byte: bytes.count, in: "tables")
    }
    guard Header.checksum(bytes.slice(at: 0, count: tables)) == bytes.u64(Header.checksumOffset) else {
      throw failure(
        "the checksum of header and tables is wrong", byte: Header.checksumOffset, in: "header")
    }
    // A later minor version may use the spare bytes for something that does not affect this version.
    guard bytes.u32(12) <= Format.minor else { return }
    for range in [Header.spareOffset..<Format.architectureOffset, 384..<Format.headerBytes] {
      if let spare = bytes.slice(at: range.lowerBound, count: range.count).firstNonZero() {
        throw failure("a spare byte is not zero", byte: range.lowerBound + spare, in: "header")
      }
    }
  }

  private func architecture() throws -> Architecture {
    let slice = bytes.slice(at: Format.architectureOffset, count: Format.recordBytes)
    let record = ArchitectureRecord(slice)
    if let (offset, what) = record.contradiction() {
      throw failure(what, byte: Format.architectureOffset + offset, in: "architecture record")
    }
    return record.architecture
  }

  private func training() throws -> TrainingRecord {
    let slice = bytes.slice(at: Format.trainingOffset, count: Format.recordBytes)
    guard let kind = ModelKind(code: slice.u32(0)) else {
      throw failure(
        "the kind of model \(slice.u32(0)) is unknown", byte: Format.trainingOffset,
        in: "training record")
    }
    guard slice.u32(4) <= 1 else {
      throw failure(
        "the flag of a training checkpoint is \(slice.u32(4)), not 0 or 1",
        byte: Format.trainingOffset + 4, in: "training record")
    }
    let record = TrainingRecord(kind, slice)
    if bytes.u32(12) <= Format.minor, let spare = TrainingRecord.nonZeroSpare(slice) {
      throw failure(
        "a spare byte is not zero", byte: Format.trainingOffset + spare, in: "training record")
    }
    return record
  }

  private func checkHashes(_ header: Header) throws {
    guard header.contentHash == bytes.u64(40) else {
      throw failure("the content hash does not match the tables", byte: 40, in: "header")
    }
    let tokenizer = header.sections.first { $0.kind == SectionKind.tokenizer.rawValue }
    guard header.tokenizerHash == tokenizer?.hash ?? 0 else {
      throw failure("the tokenizer's hash does not match its section", byte: 56, in: "header")
    }
  }
}
