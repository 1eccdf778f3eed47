import Support

extension Checkpoint {
  /// Checks what opening does not read: hashes, zero padding, and values.
  /// - Throws: `Failure(.badData)` naming the file, the byte and the record: the first that is
  ///   damaged, whatever the number of threads.
  public func verify(threads: Int = 1) throws {
    var end = header.tablesBytes
    for (index, section) in header.sections.enumerated() {
      try requireZeros(end..<section.offset, "padding before section \(index)")
      end = section.end
      guard section.kind != SectionKind.config.rawValue else { continue }
      let bytes = storage.bytes.slice(section.offset, section.storedBytes)
      guard try BlockHash.of(bytes, threads: threads) == section.hash else {
        throw damage("its hash does not match its bytes", section.offset, "section \(index)")
      }
    }
    var ends = [Int](repeating: 0, count: header.sections.count)
    let starts = header.tensors.map { record in
      defer { ends[record.section] = record.end }
      return ends[record.section]
    }
    try Parallel.forEach(header.tensors.count, threads: threads) { index in
      try self.verify(self.header.tensors[index], after: starts[index])
    }
  }

  private func damage(_ what: String, _ byte: Int, _ record: String) -> Failure {
    Failure(
      .badData, what, at: "\(path), byte \(byte) (\(record))",
      remedy: "Copy the file again, or make it again.")
  }

  private func requireZeros(_ range: Range<Int>, _ record: String) throws {
    if let byte = storage.bytes.slice(range.lowerBound, range.count).firstNonZero() {
      throw damage("a padding byte is not zero", range.lowerBound + byte, record)
    }
  }

  private func verify(_ record: TensorRecord, after end: Int) throws {
    let start = header.sections[record.section].offset
    let name = "tensor \"\(record.name)\""
    try requireZeros(start + end..<start + record.offset, name)
    let extent = storage.bytes.slice(start + record.offset, record.end - record.offset)
    guard try BlockHash.of(extent) == record.hash else {
      throw damage("its hash does not match its bytes", start + record.offset, name)
    }
    let elements = extent.slice(0, record.bytes)
    let wrong: (offset: Int, what: String)?
    switch record.type {
    case .float32: wrong = Values.firstBadFloat(elements)
    case .bfloat16: wrong = Values.firstBadBfloat16(elements)
    case .int8:
      let scales = record.scaleOffset - record.offset
      let sums = record.rowSumOffset - record.offset
      let at = start + record.offset
      try requireZeros(at + record.bytes..<at + scales, name)
      try requireZeros(at + scales + 4 * record.dims[0]..<at + sums, name)
      wrong = Values.firstBadCode(extent, record.dims, scales: scales, rowSums: sums)
    }
    if let (offset, what) = wrong { throw damage(what, start + record.offset + offset, name) }
  }
}

/// Values that no computation may meet.
private enum Values {
  static func firstBadFloat(_ bytes: UnsafeRawBufferPointer) -> (Int, String)? {
    let values = bytes.assumingMemoryBound(to: UInt32.self)
    // An exponent of all ones is NaN or infinity.
    guard let index = values.firstIndex(where: { $0 & 0x7F80_0000 == 0x7F80_0000 }) else {
      return nil
    }
    return (4 * index, "a value is \(Float(bitPattern: values[index]))")
  }

  static func firstBadBfloat16(_ bytes: UnsafeRawBufferPointer) -> (Int, String)? {
    let values = bytes.assumingMemoryBound(to: UInt16.self)
    guard let index = values.firstIndex(where: { $0 & 0x7F80 == 0x7F80 }) else { return nil }
    return (2 * index, "a value is not finite")
  }

  static func firstBadCode(
    _ extent: UnsafeRawBufferPointer, _ dims: [Int], scales: Int, rowSums: Int
  ) -> (Int, String)? {
    let (rows, columns) = (dims[0], dims[1])
    let blocks = (columns + 3) / 4
    let codes = extent.assumingMemoryBound(to: Int8.self)
    for row in 0..<Format.roundUp(rows, to: 16) {
      var sum: Int32 = 0
      for block in 0..<blocks {
        let at = ((row / 16 * blocks + block) * 16 + row % 16) * 4
        for lane in 0..<4 {
          let code = codes[at + lane]
          if code == -128 { return (at + lane, "a code is -128") }
          if code != 0, row >= rows || 4 * block + lane >= columns {
            return (at + lane, "a padding code is \(code)")
          }
          sum &+= Int32(code)
        }
      }
      guard row < rows else { continue }
      let scale = Float(bitPattern: extent.u32(scales + 4 * row))
      if !(scale.isFinite && scale > 0) {
        return (scales + 4 * row, "the scale of row \(row) is \(scale)")
      }
      if extent.u32(rowSums + 4 * row) != UInt32(bitPattern: sum) {
        return (rowSums + 4 * row, "the sum of row \(row) is not that of its codes, \(sum)")
      }
    }
    return nil
  }
}
