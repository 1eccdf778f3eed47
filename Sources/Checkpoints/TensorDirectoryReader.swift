import Support

/// Validates the tensor directory: the tensors of a section follow each other in order, each at the next multiple of
/// 256 bytes, and their sizes follow from dims.
struct TensorDirectoryReader {
  let reader: HeaderReader

  func read(count: Int, into header: inout Header) throws {
    let start = Format.headerBytes + header.sections.count * Format.sectionRecordBytes
    var names: Set<[UInt8]> = []
    var ends = [Int](repeating: 0, count: header.sections.count)
    for index in 0..<count {
      let byte = start + index * Format.tensorRecordBytes
      let entry = Entry(
        slice: reader.bytes.slice(at: byte, count: Format.tensorRecordBytes), byte: byte, index: index,
        reader: reader)
      let section = try entry.section(header, after: header.tensors.last?.section ?? 0)
      if section != header.tensors.last?.section { names.removeAll() }
      let name = try entry.name()
      guard names.insert(name).inserted else {
        throw entry.failure("its name appears twice in its section", 0)
      }
      let record = try entry.record(
        name: name, section: section, after: ends[section],
        limit: header.sections[section].storedBytes)
      ends[section] = record.end
      header.tensors.append(record)
    }
    for (index, section) in header.sections.enumerated()
    where SectionKind(rawValue: section.kind)?.holdsTensors == true {
      guard ends[index] == section.storedBytes else {
        throw reader.failure(
          "its tensors end at \(ends[index]) of \(section.storedBytes) bytes",
          byte: Format.headerBytes + index * Format.sectionRecordBytes + 24, in: "section \(index)")
      }
    }
  }

  private struct Entry {
    let slice: UnsafeRawBufferPointer
    let byte: Int
    let index: Int
    let reader: HeaderReader

    func failure(_ what: String, _ field: Int) -> Failure {
      let text = slice.prefix(Format.nameBytes).prefix { TensorName.allowed.contains($0) }
      return reader.failure(
        what, byte: byte + field, in: "tensor \(index) \"\(String(decoding: text, as: UTF8.self))\"")
    }

    func section(_ header: Header, after previous: Int) throws -> Int {
      let section = Int(slice.u32(68))
      guard section < header.sections.count, section >= previous,
        SectionKind(rawValue: header.sections[section].kind)?.holdsTensors == true
      else { throw failure("section \(section) holds no tensors or is out of order", 68) }
      return section
    }

    func name() throws -> [UInt8] {
      let field = slice.slice(at: 0, count: Format.nameBytes)
      let name = Array(field.prefix { $0 != 0 })
      guard name.count < field.count else { throw failure("its name does not end with a zero", 63) }
      guard !name.isEmpty else { throw failure("its name is empty", 0) }
      if let at = name.firstIndex(where: { !TensorName.allowed.contains($0) }) {
        throw failure("its name contains the byte \(name[at]), which is not printable ASCII", at)
      }
      if let more = field.dropFirst(name.count).firstIndex(where: { $0 != 0 }) {
        throw failure("its name goes on after a zero", more)
      }
      return name
    }

    func record(name: [UInt8], section: Int, after end: Int, limit: Int) throws -> TensorRecord {
      let (type, dims) = (try type(), try dims())
      try refuseEarlierForm(type)
      guard let bytes = type.byteCount(dims) else {
        throw failure("the dims \(dims) do not suit \(type)", 72)
      }
      guard slice.u64(96) == UInt64(bytes) else {
        throw failure("\(slice.u64(96)) bytes, but the dims \(dims) need \(bytes)", 96)
      }
      let offset = Format.roundUp(end, to: Format.tensorAlignment)
      guard offset <= limit, bytes <= limit - offset else {
        throw failure("it reaches beyond its section of \(limit) bytes", 96)
      }
      var record = TensorRecord(
        name: String(decoding: name, as: UTF8.self), type: type, dims: dims, section: section,
        offset: offset, bytes: bytes)
      let offsets = [(88, offset), (104, record.scaleOffset), (112, record.rowSumOffset)]
      for (field, expected) in offsets where slice.u64(field) != UInt64(expected) {
        throw failure("an offset is \(slice.u64(field)), not \(expected)", field)
      }
      guard slice.u8(65) == record.layout else {
        throw failure("its layout \(slice.u8(65)) does not suit \(type)", 65)
      }
      guard slice.u8(67) == 0 else { throw failure("a spare byte is not zero", 67) }
      guard record.end <= limit else {
        throw failure("its scales, row sums and factors reach beyond its section of \(limit) bytes", 104)
      }
      record.hash = slice.u64(120)
      return record
    }

    /// An int8 tensor from before factors existed is not damaged, so copying the file again would not help.
    private func refuseEarlierForm(_ type: TensorType) throws {
      guard type == .int8, slice.u8(65) == TensorRecord.unprepared16x4 else { return }
      var refusal = failure("this int8 tensor has the earlier layout: one scale per row and no factors", 65)
      refusal.remedy = "Quantise the model that it was made from again with `tinyrlhf quantize`."
      throw refusal
    }

    private func type() throws -> TensorType {
      guard let type = TensorType(rawValue: slice.u8(64)) else {
        let known = slice.u8(64) == 3 ? "block-wise 8-bit is reserved" : "it is unknown"
        throw failure("its type is \(slice.u8(64)): \(known)", 64)
      }
      return type
    }

    private func dims() throws -> [Int] {
      let rank = Int(slice.u8(66))
      guard (1...Format.maximumRank).contains(rank) else {
        throw failure("its rank \(rank) is not in 1…4", 66)
      }
      let dims = (0..<Format.maximumRank).map { Int(slice.u32(72 + 4 * $0)) }
      guard dims.prefix(rank).allSatisfy({ $0 > 0 }), dims.dropFirst(rank).allSatisfy({ $0 == 0 })
      else { throw failure("its dims \(dims) do not suit its rank \(rank)", 72) }
      return Array(dims.prefix(rank))
    }
  }
}
