import Support

/// An archive made by `ArchiveWriter`. Its tables are checked and its frames are ready to expand.
public struct Archive: Sendable {
  /// The total size of all frames after expansion, in bytes, as the tables state; expansion checks it.
  public let rawBytes: Int
  public var frameCount: Int { frames.count }

  let frames: [ArchiveFrame]
  private let input: Borrowed
  private let name: String

  /// Whether these bytes start with the signature of this program's archives.
  public static func isArchive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let start = ArchiveLayout.skippableHeaderBytes
    return bytes.count >= start + ArchiveLayout.signature.count
      && bytes.loadUnaligned(as: UInt32.self) == ArchiveLayout.headMagic
      && bytes.dropFirst(start).starts(with: ArchiveLayout.signature)
  }

  /// Reads and checks the tables; expands nothing. `bytes` must outlive the archive.
  /// - Throws: `Failure(.badData)` naming the file and the byte.
  public init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
    func failure(_ what: String, _ byte: Int) -> Failure {
      Failure(
        .badData, what, at: "\(name), byte \(byte) (archive)", remedy: "Copy the file again.")
    }
    func u32(_ offset: Int) -> Int {
      Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func u64(_ offset: Int) -> UInt64 {
      bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    guard Self.isArchive(bytes) else {
      throw Failure(
        .badData, "this is not an archive of checkpoints", at: "\(name), byte 0 (archive)",
        remedy: "Name a .trlhf.zst that `tinyrlhf pack` has made.")
    }
    guard bytes.count >= ArchiveLayout.headBytes(0) else {
      throw failure("the file ends inside its head", bytes.count)
    }
    guard u32(16) == ArchiveLayout.version else {
      throw Failure(
        .badData, "archive version \(u32(16)); this program reads version \(ArchiveLayout.version)",
        at: "\(name), byte 16 (archive)", remedy: "Use a newer program.")
    }
    let count = u32(20)
    let headBytes = ArchiveLayout.headBytes(count)
    let seekStart = bytes.count - ArchiveLayout.seekBytes(count)
    guard count <= ArchiveLayout.maximumFrames, headBytes <= seekStart else {
      throw failure("the file ends inside its tables", bytes.count)
    }
    var frames: [ArchiveFrame] = []
    var (offset, rawOffset) = (headBytes, 0)
    for index in 0..<count {
      let entry = ArchiveLayout.headBytes(index)
      let seek =
        seekStart + ArchiveLayout.skippableHeaderBytes + ArchiveLayout.seekEntryBytes * (index + 1)
      var frame = ArchiveFrame(hash: u64(entry), rawBytes: u32(entry + 8), planes: u32(entry + 12))
      frame.compressedBytes = u32(seek)
      frame.offset = offset
      frame.rawOffset = rawOffset
      guard (1...ArchiveLayout.maximumFrame).contains(frame.rawBytes) else {
        throw failure(
          "frame \(index) has \(frame.rawBytes) bytes; the range is 1 to \(ArchiveLayout.maximumFrame)",
          entry + 8)
      }
      guard [1, 2, 4].contains(frame.planes) else {
        throw failure("frame \(index) has \(frame.planes) byte planes, not 1, 2 or 4", entry + 12)
      }
      guard frame.compressedBytes <= seekStart - offset else {
        throw failure("frame \(index) reaches beyond the data", seek)
      }
      offset += frame.compressedBytes
      rawOffset += frame.rawBytes
      frames.append(frame)
    }
    guard offset == seekStart else { throw failure("bytes belong to no frame", offset) }
    // Both tables are functions of the frames, so any byte in them that differs is damage.
    guard bytes.prefix(headBytes).elementsEqual(ArchiveLayout.head(frames)) else {
      throw failure("the head does not match its hash", 32)
    }
    guard bytes.dropFirst(seekStart).elementsEqual(ArchiveLayout.seekTable(frames)) else {
      throw failure("the seek table does not match the head", seekStart)
    }
    self.frames = frames
    self.name = name
    rawBytes = rawOffset
    input = Borrowed(bytes: bytes)
  }

  /// The expanded bytes of one frame.
  public func frame(_ index: Int) throws -> [UInt8] {
    let frame = frames[index]
    return try [UInt8](unsafeUninitializedCapacity: frame.rawBytes) { buffer, count in
      try expand(frame, into: UnsafeMutableRawBufferPointer(buffer))
      count = frame.rawBytes
    }
  }

  /// Expands every frame with `threads` threads and checks its hash.
  /// - Parameter write: receives raw bytes and their offset; called by one thread at a time.
  public func expand(
    threads: Int, write: @escaping @Sendable (_ bytes: [UInt8], _ offset: Int) throws -> Void
  ) throws {
    let queue = WriteQueue(write)
    try Parallel.forEach(frames.count, threads: threads, as: "expanding") { index in
      queue.add(try self.frame(index), at: self.frames[index].rawOffset)
      try queue.writeOne(limit: 2 * threads)
    }
    try queue.finish()
  }

  private func expand(
    _ frame: ArchiveFrame, into destination: UnsafeMutableRawBufferPointer
  ) throws {
    let place = "\(name), byte \(frame.offset) (frame)"
    let compressed = UnsafeRawBufferPointer(
      rebasing: input.bytes[frame.offset..<frame.offset + frame.compressedBytes])
    if frame.planes == 1 {
      try Zstd.decompress(compressed, into: destination, at: place)
    } else {
      let planes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: frame.rawBytes, alignment: 16)
      defer { planes.deallocate() }
      try Zstd.decompress(compressed, into: planes, at: place)
      BytePlanes.join(UnsafeRawBufferPointer(planes), width: frame.planes, into: destination)
    }
    guard Hash.xxh64(UnsafeRawBufferPointer(destination)) == frame.hash else {
      throw Failure(
        .badData, "the frame's hash does not match its bytes", at: place,
        remedy: "Copy the file again.", code: .damagedFile)
    }
  }
}
