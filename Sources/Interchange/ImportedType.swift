import Checkpoints
import Models
import Support

/// The types in which the matrices of an imported model are stored.
public enum ImportedType: Equatable, Sendable {
  /// As they came: bfloat16 and float16 stay, everything else becomes float32. All of this is exact.
  case asStored
  /// All matrices in one type; 16 bits round values that need more.
  case all(ElementType)

  /// The type of one of our tensors that is made from `found`.
  func type(of found: Correspondence<StoredTensor>) -> ElementType {
    let wanted: ElementType
    switch self {
    case .all(let type): wanted = type
    case .asStored:
      let types = Set(found.parts.map { $0.elements!.element })
      wanted = types.count == 1 ? types.first! ?? .float32 : .float32
    }
    return found.ours.canBeStored(as: TensorType(wanted)) ? wanted : .float32
  }
}

/// Counts the values that an import changes.
public final class RoundingCount: @unchecked Sendable {
  /// Values that are not those of the source any more, and all values of their matrices.
  public fileprivate(set) var changed = 0
  public fileprivate(set) var all = 0

  public init() {}

  /// Converts a piece, and counts the values that become others.
  /// - Parameter place: returns the place of a value by its index in the piece, for errors.
  /// - Throws: `Failure(.badData)` for a value that becomes infinite.
  func convert(
    _ floats: UnsafeBufferPointer<Float>, to type: ElementType, _ put: (UnsafeRawBufferPointer) throws -> Void,
    place: (Int) -> String
  ) throws {
    try withUnsafeTemporaryAllocation(byteCount: floats.count * type.bytes, alignment: 64) { bytes in
      type.write(floats.baseAddress!, count: floats.count, to: bytes.baseAddress!)
      let written = StoredFloats(type, bytes.baseAddress!)
      if let index = written.firstNonFinite(count: floats.count) {
        throw Failure(
          .badData, "the value \(floats[index]) is too large for \(type)", at: place(index),
          remedy: "Import it with --dtype float32.")
      }
      for i in 0..<floats.count where written[i] != floats[i] { changed += 1 }
      all += floats.count
      try put(UnsafeRawBufferPointer(bytes))
    }
  }
}
