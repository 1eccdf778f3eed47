/// An entry of the section table.
struct SectionRecord: Equatable {
  static let requiredFlag: UInt32 = 1

  var kind: UInt32
  var role: UInt32
  var flags: UInt32
  var codec: UInt32 = 0
  /// From the start of the file.
  var offset: Int
  var storedBytes: Int
  var rawBytes: Int
  /// The hash of the stored bytes; 0 for CONFIG, whose slots have their own hashes.
  var hash: UInt64

  var isRequired: Bool { flags & Self.requiredFlag != 0 }
  var end: Int { offset + storedBytes }

  var record: [UInt8] {
    var record = RecordBytes(Format.sectionRecordBytes)
    record.put(kind, at: 0)
    record.put(role, at: 4)
    record.put(flags, at: 8)
    record.put(codec, at: 12)
    record.put(UInt64(offset), at: 16)
    record.put(UInt64(storedBytes), at: 24)
    record.put(UInt64(rawBytes), at: 32)
    record.put(hash, at: 40)
    return record.bytes
  }

  init(kind: SectionKind, role: Role, offset: Int = 0, bytes: Int) {
    self.kind = kind.rawValue
    self.role = role.rawValue
    flags = Self.requiredFlag
    self.offset = offset
    storedBytes = bytes
    rawBytes = bytes
    hash = 0
  }

  /// Offset and sizes must fit into an `Int`.
  init(_ r: UnsafeRawBufferPointer) {
    kind = r.u32(0)
    role = r.u32(4)
    flags = r.u32(8)
    codec = r.u32(12)
    offset = Int(r.u64(16))
    storedBytes = Int(r.u64(24))
    rawBytes = Int(r.u64(32))
    hash = r.u64(40)
  }
}

/// An entry of the tensor directory.
struct TensorRecord: Equatable {
  /// The layouts: elements in row-major order, or codes in blocks of 16 rows by 4 columns of weights that were
  /// balanced and rotated.
  static let rowMajor: UInt8 = 0
  static let prepared16x4: UInt8 = 2
  /// The layout of int8 tensors before factors existed; no longer supported.
  static let unprepared16x4: UInt8 = 1

  var name: String
  var type: TensorType
  var dims: [Int]
  /// Index in the section table.
  var section: Int
  /// From the start of the section; the same for `scaleOffset` and `rowSumOffset`, which are 0 except for int8.
  var offset: Int
  var bytes: Int
  var scaleOffset: Int
  var rowSumOffset: Int
  /// The hash of the tensor's extent: from `offset` to the end of its last part.
  var hash: UInt64

  var layout: UInt8 { type == .int8 ? Self.prepared16x4 : Self.rowMajor }

  /// From the start of the section; 0 except for int8. No field stores it: it follows from the dims.
  var factorOffset: Int { packed.map { offset + $0.factors } ?? 0 }

  var end: Int { offset + (packed?.byteCount ?? bytes) }

  /// How the elements are read.
  var elements: any StoredElements {
    if let element = type.element { return element }
    return packed!
  }

  private var packed: PackedElements? {
    type == .int8 ? PackedElements(rows: dims[0], columns: dims[1], codeBytes: bytes) : nil
  }

  /// The ranges of its parts in the section: elements; or codes, scales, row sums and factors.
  var parts: [Range<Int>] {
    let elements = offset..<offset + bytes
    guard type == .int8 else { return [elements] }
    let counts = [(scaleOffset, dims[0]), (rowSumOffset, dims[0]), (factorOffset, dims[1])]
    return [elements] + counts.map { $0..<$0 + 4 * $1 }
  }

  /// Places a tensor of valid `dims` at `offset`.
  init(name: String, type: TensorType, dims: [Int], section: Int, offset: Int, bytes: Int) {
    self.name = name
    self.type = type
    self.dims = dims
    self.section = section
    self.offset = offset
    self.bytes = bytes
    (scaleOffset, rowSumOffset, hash) = (0, 0, 0)
    if let packed {
      scaleOffset = offset + packed.scales
      rowSumOffset = offset + packed.rowSums
    }
  }

  var record: [UInt8] {
    var record = RecordBytes(Format.tensorRecordBytes)
    record.put(Array(name.utf8), at: 0)
    record.put(type.rawValue, at: 64)
    record.put(layout, at: 65)
    record.put(UInt8(dims.count), at: 66)
    record.put(UInt32(section), at: 68)
    for (index, dim) in dims.enumerated() { record.put(UInt32(dim), at: 72 + 4 * index) }
    record.put(UInt64(offset), at: 88)
    record.put(UInt64(bytes), at: 96)
    record.put(UInt64(scaleOffset), at: 104)
    record.put(UInt64(rowSumOffset), at: 112)
    record.put(hash, at: 120)
    return record.bytes
  }
}
