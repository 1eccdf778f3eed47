import Checkpoints
import Models
import Support

/// From another program's tensors to ours.
extension Correspondence<NamedShape> {
  /// The same with the tensors of an archive as its parts.
  /// - Parameter remedy: returns the remedy for a missing tensor by its name.
  /// - Throws: `Failure(.badData)` for a tensor that is missing, or has another shape or an unsupported type.
  func found(
    in archive: some TensorArchive, missing remedy: (String) -> String? = { _ in nil }
  ) throws -> Correspondence<StoredTensor> {
    try map { try archive.find($0.name, $0.dims, missing: remedy($0.name)) }
  }
}

extension Correspondence<StoredTensor> {
  /// Our tensor as a source for a checkpoint. It is converted piece by piece while it is written, so memory does not grow
  /// with the model.
  /// - Parameter rounding: counts the values that `types` changes.
  func source(_ section: SectionKind, as types: ImportedType, _ rounding: RoundingCount) -> TensorSource {
    let type = types.type(of: self)
    let floats = TensorSource(section: section, name: ours.name, dims: ours.dims, width: width, read: read)
    guard type != .float32 else { return floats }
    return floats.converted(to: TensorType(type)) { piece, first, put in
      try rounding.convert(piece, to: type, put) { place(ofRow: (first + $0) / width) }
    }
  }

  /// Reads our rows `range` as float32.
  /// - Throws: `Failure(.badData)` for a value that is not finite.
  func read(_ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) throws {
    if isTransposed { readTransposed(range, into: floats) }
    for run in runs {
      let found = range.clamped(to: run.first..<run.first + run.count)
      guard !found.isEmpty else { continue }
      parts[run.part].elements!.read(
        parts[run.part].bytes.baseAddress!, from: (run.theirs + found.lowerBound - run.first) * width,
        count: found.count * width, into: floats + (found.lowerBound - range.lowerBound) * width)
    }
    try requireFinite(floats, range)
    if offset != 0 {
      for i in 0..<range.count * width { floats[i] -= offset }
    }
  }

  private func readTransposed(_ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) {
    let part = parts[0]
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { column in
      for k in 0..<width {
        part.elements!.read(
          part.bytes.baseAddress!, from: k * rows + range.lowerBound, count: range.count, into: column.baseAddress!)
        for n in 0..<range.count { floats[n * width + k] = column[n] }
      }
    }
  }

  private func requireFinite(_ floats: UnsafeMutablePointer<Float>, _ range: Range<Int>) throws {
    guard let index = StoredFloats(floats).firstNonFinite(count: range.count * width) else { return }
    throw Failure(
      .badData, "a value is \(floats[index])", at: place(ofRow: range.lowerBound + index / width),
      remedy: "Copy the file again; such a value is not usable.")
  }

  /// The place of the part that one of our rows comes from.
  private func place(ofRow row: Int) -> String {
    parts[runs.first { ($0.first..<$0.first + $0.count).contains(row) }?.part ?? 0].place
  }
}

extension [Correspondence<StoredTensor>] {
  /// The number of elements of all tensors.
  var parameterCount: Int { reduce(0) { $0 + $1.ours.count } }

  /// The block types, most frequent first.
  var quantizedTypes: [String] {
    var counts: [String: Int] = [:]
    for part in flatMap(\.parts) where part.elements!.blockElements > 1 {
      counts[part.typeName, default: 0] += part.count
    }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }
}
