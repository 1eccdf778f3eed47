import Support

extension Checkpoint {
  /// Opens a `.trlhf` file or a `.trlhf.zst` archive.
  ///
  /// An archive is expanded once, into a file of the cache folder that bears its hash, or into
  /// memory where no folder can be written.
  /// - Parameters:
  ///   - cache: the cache folder; nil for `CacheFolder.standard`.
  ///   - verify: also checks every hash and value.
  /// - Throws: `Failure(.badData)` naming the file, the byte and the record.
  public static func open(
    _ path: String, cache: String? = nil, access: Access = .readOnly, verify: Bool = false,
    load: Load = .map, threads: Int = 1
  ) throws -> Checkpoint {
    let storage = try Storage.map(path, writable: false)
    guard Expansion.isArchive(storage.bytes) else {
      return try Checkpoint(
        path: path, access: access, verify: verify, load: load, threads: threads)
    }
    defer { withExtendedLifetime(storage) {} }
    let expansion = try Expansion(storage.bytes, name: path)
    let checkpoint: Checkpoint
    if let file = expansion.cacheFile(in: cache ?? CacheFolder.standard) {
      checkpoint = try cached(expansion, file, access: access, load: load, threads: threads)
    } else {
      checkpoint = try Checkpoint(
        storage: expansion.memory(threads: threads), name: path, access: access)
    }
    if verify { try checkpoint.verify(threads: threads) }
    return checkpoint
  }

  /// Opens a checkpoint or an archive that lies in memory, such as the bundled base. It is expanded
  /// or copied, so `bytes` may go afterwards.
  /// - Parameter name: what errors call it.
  public convenience init(
    bytes: UnsafeRawBufferPointer, name: String, access: Access = .readOnly, threads: Int = 1
  ) throws {
    let storage: Storage
    if Expansion.isArchive(bytes) {
      storage = try Expansion(bytes, name: name).memory(threads: threads)
    } else {
      storage = try Storage.memory(bytes.count, for: name)
      storage.mutableBytes.copyMemory(from: bytes)
    }
    try self.init(storage: storage, name: name, access: access)
  }

  private static func cached(
    _ expansion: Expansion, _ file: String, access: Access, load: Load, threads: Int
  ) throws -> Checkpoint {
    if Files.exists(file), let found = try? Checkpoint(path: file, access: access, load: load),
      found.fileBytes == expansion.fileBytes
    {
      return found
    }
    do {
      try expansion.write(to: file, threads: threads, verify: false)
      return try Checkpoint(path: file, access: access, load: load)
    } catch let failure as Failure where failure.kind == .cannotCreate || failure.kind == .inputOutput {
      // A cache that cannot be written is no reason to do without the model.
      return try Checkpoint(
        storage: expansion.memory(threads: threads), name: expansion.name, access: access)
    }
  }
}

extension Expansion {
  /// nil where no folder can be written or it has no room.
  fileprivate func cacheFile(in folder: String?) -> String? {
    guard let folder, CacheFolder.prepare(folder) else { return nil }
    let digits = String(hash, radix: 16)
    let file = "\(folder)/\(String(repeating: "0", count: 16 - digits.count))\(digits).trlhf"
    return Files.exists(file) || CacheFolder.hasRoom(for: fileBytes, in: folder) ? file : nil
  }
}
