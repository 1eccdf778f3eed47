import Support

extension Checkpoint {
  /// Writes the expanded checkpoint to `path`: temporary file, fsync, rename, fsync of the folder.
  /// - Throws: `Failure(.cannotCreate)` or `.inputOutput`; an existing file then stays unchanged.
  public func copy(to path: String) throws {
    try AtomicFile.replace(path, bytes: storage.count) { file in try file.write(storage.bytes, at: 0) }
  }
}
