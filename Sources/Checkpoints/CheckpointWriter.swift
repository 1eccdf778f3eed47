import Support

/// Writes checkpoints directly from the tensors' memory, with the header last.
public enum CheckpointWriter {
  /// Replaces `path` by a file with these contents. After an error the old file remains.
  /// - Returns: the content hash.
  /// - Throws: `Failure(.failed)` for invalid contents, `.cannotCreate` and `.inputOutput` for system errors.
  @discardableResult
  public static func write(_ contents: CheckpointContents, to path: String) throws -> UInt64 {
    var plan = try Plan(contents)
    try AtomicFile.replace(path, bytes: plan.header.fileBytes) { file in
      try file.resize(plan.header.fileBytes)
      for index in plan.header.sections.indices { try writeSection(index, &plan, file) }
      // A file without its header is not a checkpoint, so a half-written file is never accepted.
      try file.write(plan.header.encoded(), at: 0)
    }
    return plan.header.contentHash
  }

  /// A number that identifies how a model was made: the same parents, learning configuration, seed and step give the
  /// same identity on every machine.
  public static func identity(
    parents: [UInt64], configuration: [UInt8], seed: UInt64, step: UInt64
  ) -> UInt64 {
    let words = [UInt64(parents.count)] + parents + [Hash.xxh64(configuration), seed, step]
    var record = RecordBytes(8 * words.count)
    for (index, word) in words.enumerated() { record.put(word, at: 8 * index) }
    return Hash.xxh64(record.bytes)
  }

  private static func writeSection(_ index: Int, _ plan: inout Plan, _ file: AtomicFile) throws {
    let section = plan.header.sections[index]
    var hash = BlockHash()
    switch plan.bodies[index] {
    case .bytes(let bytes):
      try file.write(bytes, at: section.offset)
      hash.update(bytes)
    case .tensors(let range):
      var written = 0
      for t in range {
        let record = plan.header.tensors[t]
        var tensorHash = BlockHash()
        var parts = record.parts[...]
        try plan.sources[t].forEachPiece(ofBytes: { piece in
          guard !piece.isEmpty else { return }
          while let part = parts.first, written >= part.upperBound { parts = parts.dropFirst() }
          guard let part = parts.first, piece.count <= part.upperBound - max(written, part.lowerBound)
          else { throw Failure(.failed, "was given more bytes than its dims need", at: record.name) }
          if written < part.lowerBound {
            let padding = [UInt8](repeating: 0, count: part.lowerBound - written)
            hash.update(padding)
            if part.lowerBound > record.offset { tensorHash.update(padding) }
            written = part.lowerBound
          }
          try file.write(piece, at: section.offset + written)
          hash.update(piece)
          tensorHash.update(piece)
          written += piece.count
        })
        guard written == record.end else {
          throw Failure(.failed, "was given fewer bytes than its dims need", at: record.name)
        }
        plan.header.tensors[t].hash = tensorHash.finish()
      }
    }
    if section.kind != SectionKind.config.rawValue {
      plan.header.sections[index].hash = hash.finish()
    }
    if section.kind == SectionKind.tokenizer.rawValue {
      plan.header.tokenizerHash = plan.header.sections[index].hash
    }
  }
}

/// All offsets of a file, computed before the first byte is written.
private struct Plan {
  enum Body {
    case bytes([UInt8])
    case tensors(Range<Int>)
  }

  var header: Header
  /// One for each section.
  var bodies: [Body] = []
  /// In the order of the directory.
  var sources: [TensorSource] = []

  init(_ contents: CheckpointContents) throws {
    try contents.architecture.requireStorable(at: "architecture")
    try contents.validateJSON()
    header = Header(architecture: contents.architecture, training: contents.training)
    header.identity = contents.identity
    header.baseContentHash = contents.baseContentHash
    add(.config, ConfigurationSlots.section(contents.configuration))
    add(.tokenizer, contents.tokenizer)
    try add(contents.tensors)
    add(.state, contents.state ?? [])
    add(.provenance, contents.provenance)
    header.place()
    guard header.sections.count <= Format.maximumSections,
      header.tensors.count <= Format.maximumTensors
    else { throw Failure(.failed, "\(header.tensors.count) tensors are too many for one file") }
  }

  private mutating func add(_ kind: SectionKind, _ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    header.sections.append(SectionRecord(kind: kind, role: .none, bytes: bytes.count))
    bodies.append(.bytes(bytes))
  }

  /// Groups tensors by section; within a section the given order stays.
  private mutating func add(_ tensors: [TensorSource]) throws {
    for tensor in tensors { try tensor.validate() }
    for kind in SectionKind.allCases where kind.holdsTensors {
      for role in Role.allCases {
        try addSection(kind, role, tensors.filter { $0.section == kind && $0.role == role })
      }
    }
  }

  private mutating func addSection(
    _ kind: SectionKind, _ role: Role, _ tensors: [TensorSource]
  ) throws {
    guard !tensors.isEmpty else { return }
    let first = sources.count
    var names: Set<String> = []
    var end = 0
    for tensor in tensors {
      guard names.insert(tensor.name).inserted else {
        throw Failure(.failed, "two tensors of one section have this name", at: tensor.name)
      }
      let record = TensorRecord(
        name: tensor.name, type: tensor.type, dims: tensor.dims, section: header.sections.count,
        offset: Format.roundUp(end, to: Format.tensorAlignment),
        bytes: tensor.type.byteCount(tensor.dims)!)
      end = record.end
      header.tensors.append(record)
      sources.append(tensor)
    }
    header.sections.append(SectionRecord(kind: kind, role: role, bytes: end))
    bodies.append(.tensors(first..<sources.count))
  }
}

extension Header {
  /// Computes the offset of every section and the file size from the sections' sizes.
  mutating func place() {
    var end = tablesBytes
    for index in sections.indices {
      sections[index].offset = Format.roundUp(end, to: Format.sectionAlignment)
      end = sections[index].end
    }
    fileBytes = end
  }
}
