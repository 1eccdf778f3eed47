import Support

extension Checkpoint {
  /// Opens a `.trlhf` file or a `.trlhf.zst` archive.
  ///
  /// An archive is expanded once, into a file of the cache folder that bears the hash of the archive's bytes, or
  /// into memory where no folder can be written. An archive whose bytes have changed is thus another archive: it is
  /// expanded anew, and refused if it is damaged.
  /// - Parameters:
  ///   - cache: the cache folder; nil for the standard one.
  ///   - verify: also checks every hash and value of what is used, an expansion in the cache included.
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
      // A cache that cannot be written is no reason to do without the model.
      return try inMemory(expansion, access: access, verify: verify, threads: threads)
    }
  }

  /// An expansion of before. One that is damaged is not made again in silence: what damaged it may go on.
  private static func found(
    _ expansion: Expansion, _ file: CacheFolder.File, access: Access, verify: Bool, load: Load, threads: Int
  ) throws -> Checkpoint {
    let remedy = "This is the expansion of \(expansion.name) in the cache. "
      + "Empty the cache with `tinyrlhf cache --clear`, then run the same command again."
    return try Failure.advising(remedy) {
      let found = try Checkpoint(path: file.path, access: access, verify: verify, load: load, threads: threads)
      guard found.fileBytes == expansion.fileBytes else {
        throw Failure(
          .badData, "has \(found.fileBytes) bytes, and the archive expands to \(expansion.fileBytes)", at: file.path)
      }
      return found
    }
  }
}
