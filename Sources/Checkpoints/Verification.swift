import Support

extension Checkpoint {
  /// Checks everything that opening does not read: hashes, zero padding, the bytes after CONFIG's texts, and values.
  /// - Throws: `Failure(.badData)` with the file, the byte and the record of the first damage, whatever the number of
  ///   threads.
  public func verify(threads: Int = 1) throws {
    let visit = try VerificationVisit(header, storage.bytes, threads: threads)
    var end = header.tablesBytes
    for (index, section) in header.sections.enumerated() {
      try requireZeros(end..<section.offset, "padding before section \(index)")
      end = section.end
      guard section.kind != SectionKind.config.rawValue else {
        try verifyConfiguration(section)
        continue
      }
      guard visit.sectionHashes[index] == section.hash else {
        throw damage("its hash does not match its bytes", byte: section.offset, in: "section \(index)")
      }
    }
    var ends = [Int](repeating: 0, count: header.sections.count)
    for (index, record) in header.tensors.enumerated() {
      try verify(record, after: ends[record.section], visit, index)
      ends[record.section] = record.end
    }
  }

  private func damage(_ what: String, byte: Int, in record: String) -> Failure {
    Failure(
      .badData, what, at: "\(path), byte \(byte) (\(record))",
      remedy: "Copy the file again, or recreate it.", code: .damagedFile)
  }

  private func requireZeros(_ range: Range<Int>, _ record: String) throws {
    if let byte = storage.bytes.slice(at: range.lowerBound, count: range.count).firstNonZero() {
      throw damage("a padding byte is not zero", byte: range.lowerBound + byte, in: record)
    }
  }

  private func verifyConfiguration(_ section: SectionRecord) throws {
    let slots = storage.bytes.slice(at: section.offset, count: section.storedBytes)
    if let byte = ConfigurationSlots.firstDamage(slots) {
      throw damage("a byte outside the text is not zero", byte: section.offset + byte, in: "CONFIG")
    }
  }

  private func verify(
    _ record: TensorRecord, after end: Int, _ visit: VerificationVisit, _ index: Int
  ) throws {
    let start = header.sections[record.section].offset
    let name = "tensor \"\(record.name)\""
    let at = start + record.offset
    try requireZeros(start + end..<at, name)
    guard visit.tensorHashes[index] == record.hash else {
      throw damage("its hash does not match its bytes", byte: at, in: name)
    }
    for (part, next) in zip(record.parts, record.parts.dropFirst()) {
      try requireZeros(start + part.upperBound..<start + next.lowerBound, name)
    }
    guard visit.isSuspect[index] else { return }
    let extent = storage.bytes.slice(at: at, count: record.end - record.offset)
    if let (offset, what) = record.firstBadValue(extent) { throw damage(what, byte: at + offset, in: name) }
  }
}
