import CSupport
import Support

/// One pass over all hashed bytes. Each stretch is hashed for its section and for its tensors, and its values are
/// checked, while it is in the CPU cache.
struct VerificationVisit {
  /// One for each section; 0 for CONFIG.
  private(set) var sectionHashes: [UInt64]
  private(set) var tensorHashes: [UInt64]
  /// For each tensor: whether `TensorRecord.firstBadValue` would find an error.
  private(set) var isSuspect: [Bool]

  init(_ header: Header, _ bytes: UnsafeRawBufferPointer, threads: Int) throws {
    let stretches = Stretch.all(header)
    let input = Borrowed(bytes: bytes)
    let found = try Parallel.map(stretches.count, threads: threads, as: "verifying") {
      stretches[$0].visit(header, input.bytes)
    }
    var sections = [[UInt64]](repeating: [], count: header.sections.count)
    var tensors = [[UInt64]](repeating: [], count: header.tensors.count)
    isSuspect = [Bool](repeating: false, count: header.tensors.count)
    for (stretch, found) in zip(stretches, found) {
      sections[stretch.section] += found.blocks
      for (tensor, hash) in found.tensorBlocks { tensors[tensor].append(hash) }
      for tensor in found.suspects { isSuspect[tensor] = true }
    }
    sectionHashes = sections.map { $0.isEmpty ? 0 : BlockHash.of(blocks: $0) }
    tensorHashes = tensors.map(BlockHash.of(blocks:))
    for index in try Self.suspectCodes(header, input, threads: threads) { isSuspect[index] = true }
    for (index, tensor) in header.tensors.enumerated() where tensor.type == .int8 {
      if tensor.firstBadFactor(Self.extent(tensor, header, bytes)) != nil { isSuspect[index] = true }
    }
  }

  private static func extent(
    _ tensor: TensorRecord, _ header: Header, _ file: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    file.slice(at: header.sections[tensor.section].offset + tensor.offset, count: tensor.end - tensor.offset)
  }

  /// A few consecutive hash blocks of a section, and the hash blocks of its tensors that start in this range.
  private struct Stretch {
    static let bytes = 4 * Format.hashBlock

    let section: Int
    /// From the start of the section.
    let range: Range<Int>
    /// The tensors that have a byte in the range.
    let tensors: Range<Int>

    struct Found {
      var blocks: [UInt64] = []
      var tensorBlocks: [(tensor: Int, hash: UInt64)] = []
      var suspects: [Int] = []
    }

    static func all(_ header: Header) -> [Stretch] {
      var stretches: [Stretch] = []
      var next = 0
      for (index, section) in header.sections.enumerated()
      where section.kind != SectionKind.config.rawValue {
        for start in stride(from: 0, to: section.storedBytes, by: bytes) {
          let range = start..<min(start + bytes, section.storedBytes)
          func isBefore(_ tensor: Int) -> Bool {
            header.tensors[tensor].section < index
              || header.tensors[tensor].section == index && header.tensors[tensor].end <= start
          }
          while next < header.tensors.count, isBefore(next) { next += 1 }
          var end = next
          while end < header.tensors.count, header.tensors[end].section == index,
            header.tensors[end].offset < range.upperBound
          {
            end += 1
          }
          stretches.append(Stretch(section: index, range: range, tensors: next..<end))
        }
      }
      return stretches
    }

    func visit(_ header: Header, _ file: UnsafeRawBufferPointer) -> Found {
      let section = header.sections[section]
      let bytes = file.slice(at: section.offset, count: section.storedBytes)
      var found = Found()
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Format.hashBlock) {
        let count = min(Format.hashBlock, range.upperBound - start)
        found.blocks.append(Hash.xxh64(bytes.slice(at: start, count: count)))
      }
      for index in tensors {
        let tensor = header.tensors[index]
        let before = max(0, range.lowerBound - tensor.offset)
        let first = tensor.offset + Format.roundUp(before, to: Format.hashBlock)
        let end = min(range.upperBound, tensor.end)
        for start in stride(from: first, to: end, by: Format.hashBlock) {
          let block = bytes.slice(at: start, count: min(Format.hashBlock, tensor.end - start))
          found.tensorBlocks.append((index, Hash.xxh64(block)))
          let elements = block.prefix(max(0, tensor.offset + tensor.bytes - start))
          if tensor.hasNotFinite(UnsafeRawBufferPointer(rebasing: elements)) {
            found.suspects.append(index)
          }
        }
      }
      return found
    }
  }

  /// The int8 tensors with an invalid code, scale or row sum. Rows are interleaved in blocks of 16, so the check goes
  /// block by block.
  private static func suspectCodes(
    _ header: Header, _ input: Borrowed, threads: Int
  ) throws -> [Int] {
    let pieces = header.tensors.indices.filter { header.tensors[$0].type == .int8 }.flatMap { index in
      stride(from: 0, to: header.tensors[index].dims[0], by: PackedRows.count).map { (index, $0) }
    }
    // Pieces are small and neighbours are adjacent in memory, so each thread takes a run of pieces.
    let run = 16
    let suspects = try Parallel.map(
      (pieces.count + run - 1) / run, threads: threads, as: "verifying codes"
    ) { number in
      pieces[run * number..<min(run * (number + 1), pieces.count)].filter { index, row in
        let tensor = header.tensors[index]
        return !PackedRows(tensor, extent(tensor, header, input.bytes), first: row).areSound
      }.map(\.0)
    }
    return suspects.flatMap { $0 }
  }
}

extension TensorRecord {
  /// Whether these elements contain a NaN or an infinity; always false for int8.
  fileprivate func hasNotFinite(_ elements: UnsafeRawBufferPointer) -> Bool {
    guard let base = elements.baseAddress else { return false }
    switch type {
    case .float32: return ts_any_not_finite_float32(base, elements.count / 4) != 0
    case .bfloat16: return ts_any_not_finite_bfloat16(base, elements.count / 2) != 0
    case .float16: return ts_any_not_finite_float16(base, elements.count / 2) != 0
    case .int8: return false
    }
  }
}
