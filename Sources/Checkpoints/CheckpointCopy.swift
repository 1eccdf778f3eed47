import Support

extension Checkpoint {
  /// Writes the checkpoint, expanded, to `path`: temporary file, fsync, rename, fsync of the folder.
  /// - Throws: `Failure(.cannotCreate)` or `.inputOutput`; an older file stays in place then.
  public func copy(to path: String) throws {
    try AtomicFile.replace(path, bytes: storage.count) { file in try file.write(storage.bytes, at: 0) }
  }
}
