import Support

/// Validates the section table: the sections are in order and contiguous except for zero padding, up to the last byte
/// of the file.
struct SectionTableReader {
  let reader: HeaderReader

  func read(count: Int, into header: inout Header) throws {
    let tables =
      Format.headerBytes + count * Format.sectionRecordBytes
      + Int(reader.bytes.u32(68)) * Format.tensorRecordBytes
    var end = tables
    for index in 0..<count {
      let byte = Format.headerBytes + index * Format.sectionRecordBytes
      let slice = reader.bytes.slice(at: byte, count: Format.sectionRecordBytes)
      func require(_ condition: Bool, _ what: @autoclosure () -> String, at field: Int) throws {
        if !condition { throw reader.failure(what(), byte: byte + field, in: "section \(index)") }
      }
      for field in [16, 24, 32] {
        try require(
          Int(exactly: slice.u64(field)) != nil, "\(slice.u64(field)) is larger than any file", at: field)
      }
      let section = SectionRecord(slice)
      if let previous = header.sections.last {
        let (last, this) = ((previous.kind, previous.role), (section.kind, section.role))
        try require(last != this, "kind \(this.0), role \(this.1) appears twice", at: 0)
        try require(
          last < this, "kind \(this.0), role \(this.1) follows kind \(last.0), role \(last.1)",
          at: 0)
      } else {
        try require(
          section.kind == SectionKind.config.rawValue, "the first section is not CONFIG", at: 0)
      }
      try checkKind(section) { try require($0, $1(), at: $2) }
      try require(section.codec == 0, "the codec \(section.codec) is unknown", at: 12)
      let expected = Format.roundUp(end, to: Format.sectionAlignment)
      try require(
        section.offset == expected, "the offset is \(section.offset), not \(expected)", at: 16)
      try require(
        section.storedBytes >= 1 && section.offset <= reader.fileBytes
          && section.storedBytes <= reader.fileBytes - section.offset,
        "\(section.storedBytes) bytes from byte \(section.offset) are not a valid range of the file", at: 24)
      try require(
        section.rawBytes == section.storedBytes,
        "\(section.rawBytes) raw bytes are stored as \(section.storedBytes) without a codec", at: 32
      )
      if let spare = slice.slice(at: 48, count: 16).firstNonZero() {
        throw reader.failure(
          "a spare byte is not zero", byte: byte + 48 + spare, in: "section \(index)")
      }
      end = section.end
      header.sections.append(section)
    }
    guard end == reader.fileBytes else {
      throw reader.failure(
        "\(reader.fileBytes - end) bytes belong to no section", byte: end, in: "file")
    }
  }

  private func checkKind(
    _ section: SectionRecord,
    _ require: (Bool, @autoclosure () -> String, Int) throws -> Void
  ) throws {
    guard let kind = SectionKind(rawValue: section.kind) else {
      try require(
        !section.isRequired, "the section kind \(section.kind) is unknown and required", 0)
      return
    }
    try require(section.flags == SectionRecord.requiredFlag, "the flags are \(section.flags)", 8)
    if kind.holdsTensors {
      try require(
        Role(rawValue: section.role) != nil, "the role \(section.role) is unknown", 4)
    } else {
      try require(section.role == 0, "\(kind) has the role \(section.role)", 4)
    }
    if kind == .config {
      let slots = 2 * ConfigurationSlots.slotUnit
      try require(
        section.storedBytes % slots == 0, "CONFIG's \(section.storedBytes) bytes are not two slots", 24)
      try require(section.hash == 0, "CONFIG has a hash; only its slots may have one", 40)
      try require(
        section.storedBytes <= 2 * ConfigurationSlots.slotBytes(for: Format.maximumJSONBytes),
        "CONFIG has \(section.storedBytes) bytes, more than any valid text needs", 24)
    }
    if kind == .provenance {
      try require(
        section.storedBytes <= Format.maximumJSONBytes,
        "PROVENANCE has \(section.storedBytes) bytes; the limit is \(Format.maximumJSONBytes)", 24)
    }
  }
}
