import Glibc
import Support

extension Checkpoint {
  /// Replaces a file's CONFIG text by the result of `edit`. After a crash at any moment the file has the old text or
  /// the new one.
  ///
  /// If the text fits, it is written to the slot that is not in force; otherwise the file is rewritten with larger
  /// slots. The content hash does not change. Processes that edit the same file take turns, so each sees the previous
  /// one's result.
  /// - Throws: any error of `edit`, with the file unchanged; `Failure(.badData)` for a damaged file; `.inputOutput`
  ///   if it cannot be written.
  public static func editConfiguration(
    _ path: String, _ edit: ([UInt8]) throws -> [UInt8]
  ) throws {
    let descriptor = Files.openLocked(path, O_RDWR)
    guard descriptor >= 0 else {
      throw Failure(
        .inputOutput, "cannot be written: \(Files.systemError())", at: path,
        remedy: "Check the path and its permissions.")
    }
    defer { close(descriptor) }
    let checkpoint = try Checkpoint(path: path)
    let text = try edit(checkpoint.configuration)
    try CheckpointContents.validateJSON(text, "CONFIG", at: path)
    let section = checkpoint.header.sections[0]
    let slotBytes = section.storedBytes / 2
    let slots = checkpoint.storage.bytes.slice(at: section.offset, count: section.storedBytes)
    guard ConfigurationSlots.headerBytes + text.count <= slotBytes,
      let current = ConfigurationSlots.current(slots)
    else { return try checkpoint.layOutAnew(text) }
    let slot = ConfigurationSlots.slot(
      text, generation: current.generation + 1, count: slotBytes)
    let offset = section.offset + (1 - current.index) * slotBytes
    // Writes and syncs the first page first. A slot that a crash leaves incomplete then starts with the start of a
    // text.
    for part in [slot.prefix(firstPage), slot.dropFirst(firstPage)] {
      try part.withUnsafeBytes {
        try AtomicFile.write($0, at: offset + part.startIndex, to: descriptor, path: path)
      }
      try Files.sync(descriptor, path: path)
    }
  }

  private static let firstPage = 4096

  /// Rewrites the file with a new CONFIG section; the other sections only move.
  private func layOutAnew(_ text: [UInt8]) throws {
    var moved = header
    let config = ConfigurationSlots.section(text)
    moved.sections[0].storedBytes = config.count
    moved.sections[0].rawBytes = config.count
    moved.place()
    try AtomicFile.replace(path, bytes: moved.fileBytes) { file in
      try file.resize(moved.fileBytes)
      try file.write(config, at: moved.sections[0].offset)
      for (old, new) in zip(header.sections, moved.sections).dropFirst() {
        try file.write(storage.bytes.slice(at: old.offset, count: old.storedBytes), at: new.offset)
      }
      try file.write(moved.encoded(), at: 0)
    }
  }
}
