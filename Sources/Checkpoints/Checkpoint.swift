import Glibc
import Support

/// A checkpoint that is used directly from its mapped file. Its structure is validated before this class hands out
/// any pointer.
///
/// A section's pointer does not keep the checkpoint alive; a `StoredTensor` does.
public final class Checkpoint: @unchecked Sendable {
  public enum Access: Sendable {
    /// Pages are shared with all processes that read the file; writing to them is a fault.
    case readOnly
    /// Writes stay private to this process; the file never changes.
    case copyOnWrite
  }

  public enum Load: Sendable {
    case map
    /// Reads the whole file first; for file systems that may disappear.
    case read
  }

  /// File path, or a display name for in-memory checkpoints.
  public let path: String
  public let access: Access
  public let contentHash: UInt64
  /// The text of the slot in force.
  public let configuration: [UInt8]

  let header: Header
  let storage: Storage

  /// Opens a `.trlhf` file.
  /// - Parameter verify: also checks every hash and value, which reads the whole file.
  /// - Throws: `Failure(.badData)` naming the file, the byte and the record.
  public convenience init(
    path: String, access: Access = .readOnly, verify: Bool = false, load: Load = .map,
    threads: Int = 1
  ) throws {
    let storage =
      load == .map
      ? try Storage.map(path, writable: access == .copyOnWrite) : try Storage.read(path)
    try self.init(storage: storage, name: path, access: access)
    if verify { try self.verify(threads: threads) }
  }

  init(storage: Storage, name: String, access: Access) throws {
    let bytes = storage.bytes
    header = try HeaderReader(file: name, bytes: bytes, fileBytes: bytes.count).read()
    let config = header.sections[0]
    guard
      let current = ConfigurationSlots.current(bytes.slice(at: config.offset, count: config.storedBytes))
    else {
      throw Failure(
        .badData, "neither slot of CONFIG is valid", at: "\(name), byte \(config.offset) (CONFIG)",
        remedy: "Copy the file again; it was damaged.")
    }
    configuration = current.text
    contentHash = header.contentHash
    path = name
    self.access = access
    self.storage = storage
  }

  public var architecture: Architecture { header.architecture }
  public var training: TrainingRecord { header.training }
  /// Identifies how this model was made: see `CheckpointWriter.identity`.
  public var identity: UInt64 { header.identity }
  /// The content hash of the base model that an adapter belongs to; 0 for a complete model.
  public var baseContentHash: UInt64 { header.baseContentHash }
  public var fileBytes: Int { header.fileBytes }
  /// Empty if the file has none.
  public var tokenizer: [UInt8] { bytes(of: .tokenizer) ?? [] }
  /// Empty if the file has none.
  public var provenance: [UInt8] { bytes(of: .provenance) ?? [] }
  public var state: [UInt8]? { bytes(of: .state) }

  /// The hash of the tokenizer section, equal for equal tokenizers; 0 if there is none.
  public var tokenizerHash: UInt64 { header.tokenizerHash }

  /// Every section of the file, in order, except sections of unknown kinds.
  public var sections: [(kind: SectionKind, role: Role, bytes: Int)] {
    header.sections.compactMap { section in
      SectionKind(rawValue: section.kind).map {
        ($0, Role(rawValue: section.role) ?? .none, section.storedBytes)
      }
    }
  }

  /// The tensors of every section, in directory order.
  public var tensors: [StoredTensor] {
    sections.filter(\.kind.holdsTensors).flatMap { tensors(in: $0.kind, role: $0.role) }
  }

  public func has(_ kind: SectionKind, _ role: Role) -> Bool { index(kind, role) != nil }

  /// The tensors of a section in directory order; empty if the file has no such section.
  public func tensors(in kind: SectionKind, role: Role) -> [StoredTensor] {
    guard let index = index(kind, role) else { return [] }
    return header.tensors.filter { $0.section == index }.map { tensor($0, kind, role) }
  }

  /// A section's bytes. Writable under `.copyOnWrite` only.
  /// - Throws: `Failure(.badData)` if the file has no such section.
  public func sectionBytes(
    _ kind: SectionKind, _ role: Role
  ) throws -> UnsafeMutableRawBufferPointer {
    guard let index = index(kind, role) else {
      throw Failure(.badData, "has no section \(kind) with role \(role)", at: path)
    }
    let section = header.sections[index]
    return UnsafeMutableRawBufferPointer(
      start: storage.base + section.offset, count: section.storedBytes)
  }

  /// - Throws: `Failure(.inputOutput)` if the mapped file has changed its size since it was opened.
  public func checkStillWhole() throws {
    guard storage.descriptor >= 0 else { return }
    var status = stat()
    guard fstat(storage.descriptor, &status) == 0, Int(status.st_size) == header.fileBytes else {
      throw Failure(
        .inputOutput, "changed its size from \(header.fileBytes) to \(status.st_size) bytes while in use",
        at: path, remedy: "Keep the file in place while it is in use.")
    }
  }

  /// Gives the memory of the file's pages back; they are read again when they are used. For a model that was copied.
  /// Nothing may have been written to the mapping.
  public func releasePages() { storage.releasePages() }

  private func index(_ kind: SectionKind, _ role: Role) -> Int? {
    header.sections.firstIndex { $0.kind == kind.rawValue && $0.role == role.rawValue }
  }

  private func bytes(of kind: SectionKind) -> [UInt8]? {
    (try? sectionBytes(kind, .none)).map { Array($0) }
  }

  private func tensor(_ record: TensorRecord, _ kind: SectionKind, _ role: Role) -> StoredTensor {
    StoredTensor(
      name: record.name, section: kind, role: role, dims: record.dims, typeName: "\(record.type)",
      elements: record.elements,
      bytes: storage.bytes.slice(
        at: header.sections[record.section].offset + record.offset, count: record.end - record.offset),
      path: path, owner: storage)
  }
}
