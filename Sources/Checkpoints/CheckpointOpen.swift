import Support

extension Checkpoint {
  /// Opens a `.trlhf` file or a `.trlhf.zst` archive.
  ///
  /// An archive is expanded once, into a file of the cache folder named by the hash of the archive's bytes; if no
  /// folder is writable, into memory. If the archive's bytes change, it counts as another archive: it is expanded
  /// again, and refused if it is damaged.
  /// - Parameters:
  ///   - cache: the cache folder; nil for the standard one.
  ///   - verify: also checks every hash and value of the file in use, including an expansion in the cache.
  /// - Throws: `Failure(.badData)` naming the file, the byte and the record.
  public static func open(
    _ path: String, cache: String? = nil, access: Access = .readOnly, verify: Bool = false,
    load: Load = .map, threads: Int = 1
  ) throws -> Checkpoint {
    try open(
      path, cache: CacheFolder(cache), access: access, verify: verify, load: load, threads: threads)
  }

  static func open(
    _ path: String, cache: CacheFolder?, access: Access = .readOnly, verify: Bool = false,
    load: Load = .map, threads: Int = 1
  ) throws -> Checkpoint {
    let storage = try Storage.map(path, writable: false)
    guard Expansion.isArchive(storage.bytes) else {
      return try Checkpoint(
        path: path, access: access, verify: verify, load: load, threads: threads)
    }
    defer { withExtendedLifetime(storage) {} }
    let expansion = try Expansion(storage.bytes, name: path)
    if let file = cache?.file(expansion) {
      return try cached(expansion, file, access: access, verify: verify, load: load, threads: threads)
    }
    return try inMemory(expansion, access: access, verify: verify, threads: threads)
  }

  /// Opens a checkpoint or an archive in memory, such as the bundled base model. The bytes are expanded or copied, so
  /// `bytes` need not outlive this.
  /// - Parameter name: its name in errors.
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

  private static func inMemory(
    _ expansion: Expansion, access: Access, verify: Bool, threads: Int
  ) throws -> Checkpoint {
    let storage = try expansion.memory(threads: threads)
    let checkpoint = try Checkpoint(storage: storage, name: expansion.name, access: access)
    if verify { try checkpoint.verify(threads: threads) }
    return checkpoint
  }

  private static func cached(
    _ expansion: Expansion, _ file: CacheFolder.File, access: Access, verify: Bool, load: Load, threads: Int
  ) throws -> Checkpoint {
    guard !Files.exists(file.path) else {
      file.markUsed()
      return try found(expansion, file, access: access, verify: verify, load: load, threads: threads)
    }
    do {
      try expansion.write(to: file.path, threads: threads, verify: verify)
      return try Checkpoint(path: file.path, access: access, load: load)
    } catch let failure as Failure where failure.kind == .cannotCreate || failure.kind == .inputOutput {
      // If the cache is not writable, the model is expanded in memory instead.
      return try inMemory(expansion, access: access, verify: verify, threads: threads)
    }
  }

  /// Opens an existing expansion. A damaged one is not silently replaced, because the cause of the damage may persist.
  private static func found(
    _ expansion: Expansion, _ file: CacheFolder.File, access: Access, verify: Bool, load: Load, threads: Int
  ) throws -> Checkpoint {
    let remedy = "This is the expansion of \(expansion.name) in the cache. "
      + "Empty the cache with `tinyrlhf cache --clear`, then run the same command again."
    return try Failure.advising(remedy) {
      let found = try Checkpoint(path: file.path, access: access, verify: verify, load: load, threads: threads)
      guard found.fileBytes == expansion.fileBytes else {
        throw Failure(
          .badData, "has \(found.fileBytes) bytes, but the archive expands to \(expansion.fileBytes)", at: file.path)
      }
      return found
    }
  }
}
