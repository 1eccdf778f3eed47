import Compression
import Support

extension Checkpoint {
  /// Packs a `.trlhf` file into a `.trlhf.zst` archive. The same file and level give the same bytes.
  /// - Throws: `Failure(.badData)` if the file is damaged; it is verified first.
  public static func pack(
    _ path: String, to archive: String, level: Int = 12, threads: Int = 1
  ) throws {
    let checkpoint = try Checkpoint(path: path, verify: true, threads: threads)
    try AtomicFile.replace(archive) { file in
      try ArchiveWriter.pack(
        checkpoint.storage.bytes, pieces: checkpoint.pieces, level: level, threads: threads,
        write: { try file.write($0, at: $1) })
    }
  }

  /// Expands an archive into a `.trlhf` file. The result is verified before it replaces `path`.
  /// - Throws: `Failure(.badData)` naming the file and the byte.
  public static func unpack(_ archive: String, to path: String, threads: Int = 1) throws {
    let storage = try Storage.map(archive, writable: false)
    try Expansion(storage.bytes, name: archive).write(to: path, threads: threads, verify: true)
    withExtendedLifetime(storage) {}
  }

  /// The pieces to pack. A frame never spans two sections; frames of tensors may be split by the width of their floats.
  private var pieces: [ArchiveWriter.Piece] {
    let hasTensors = !header.tensors.isEmpty
    var pieces: [ArchiveWriter.Piece] = []
    var start = 0
    // Splitting the header hides its magic, so that a file expanded by zstd alone is never taken for a checkpoint.
    let ends = header.sections.map(\.offset) + [header.fileBytes]
    for (number, end) in ends.enumerated() {
      while start < end {
        let count = min(end - start, ArchiveWriter.maximumPiece)
        let isHeader = number == 0 && hasTensors
        let width = isHeader ? 4 : number == 0 ? 1 : self.width(at: start + count / 2, number - 1)
        pieces.append(
          ArchiveWriter.Piece(offset: start, count: count, width: width, alwaysSplit: isHeader))
        start += count
      }
    }
    return pieces
  }

  /// Bytes per element at offset `byte` of the file.
  private func width(at byte: Int, _ section: Int) -> Int {
    let offset = byte - header.sections[section].offset
    let tensor = header.tensors.last { $0.section == section && $0.offset <= offset }
    return tensor?.type.element?.bytes ?? 1
  }
}

/// An archive to be expanded: one of this program's, or a checkpoint compressed by the zstd command.
struct Expansion {
  private enum Source {
    case frames(Archive)
    case stream(UnsafeRawBufferPointer)
  }

  let name: String
  /// The size of the checkpoint inside, from its header.
  let fileBytes: Int
  private let bytes: UnsafeRawBufferPointer
  private let source: Source

  /// The hash of all bytes of the archive, which are read for it. It names the expanded file in the cache.
  var archiveHash: UInt64 { BlockHash.of(bytes) }

  static func isArchive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    Archive.isArchive(bytes) || bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD])
  }

  /// Reads the archive's tables and the header page of the checkpoint inside. `bytes` must outlive this.
  init(_ bytes: UnsafeRawBufferPointer, name: String) throws {
    self.name = name
    self.bytes = bytes
    let page: [UInt8]
    if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
      source = .stream(bytes)
      page = try Self.firstPage(bytes, name: name)
    } else {
      let archive = try Archive(bytes, name: name)
      source = .frames(archive)
      page = archive.frameCount > 0 ? try archive.frame(0) : []
    }
    guard page.count >= Format.headerBytes, page.starts(with: Format.magic) else {
      throw Failure(.badData, "there is no checkpoint in this archive", at: name,
        remedy: "Name an archive that `tinyrlhf pack` has made.")
    }
    let stated = page.withUnsafeBytes { $0.u64(16) }
    guard let fileBytes = Int(exactly: stated), fileBytes >= Format.headerBytes else {
      throw Failure(.badData, "the checkpoint inside claims \(stated) bytes", at: name,
        remedy: "Copy the file again.")
    }
    if case .frames(let archive) = source, archive.rawBytes != fileBytes {
      throw Failure(
        .badData, "the checkpoint inside has \(fileBytes) bytes, but its frames have \(archive.rawBytes)",
        at: name, remedy: "Copy the file again.")
    }
    self.fileBytes = fileBytes
  }

  /// Expands into a file, which replaces `path` only if it is a valid checkpoint.
  func write(to path: String, threads: Int, verify: Bool) throws {
    try AtomicFile.replace(path, bytes: fileBytes) { file in
      guard CacheFolder.hasRoom(for: fileBytes, in: file.folder) else {
        throw Failure(
          .inputOutput, "expands to \(Formatting.bytes(fileBytes)); there is not enough free space",
          at: name, remedy: "Free some space or choose another folder.")
      }
      try file.resize(fileBytes)
      try expand(threads: threads) { try file.write($0, at: $1) }
      let storage = try Storage.map(file.temporary, writable: false)
      let checkpoint = try Checkpoint(storage: storage, name: name, access: .readOnly)
      if verify { try checkpoint.verify(threads: threads) }
    }
  }

  /// Expands into newly allocated memory.
  func memory(threads: Int) throws -> Storage {
    let storage = try Storage.memory(fileBytes, for: name)
    try expand(threads: threads) { bytes, offset in
      bytes.withUnsafeBytes {
        (storage.base + offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
      }
    }
    return storage
  }

  private func expand(
    threads: Int, _ write: @escaping @Sendable ([UInt8], Int) throws -> Void
  ) throws {
    switch source {
    case .frames(let archive): try archive.expand(threads: threads, write: write)
    case .stream(let bytes): try expand(bytes, write)
    }
  }

  private func expand(
    _ bytes: UnsafeRawBufferPointer, _ write: ([UInt8], Int) throws -> Void
  ) throws {
    let reader = try Self.reader(bytes, name: name)
    let work = Work("expanding", of: fileBytes)
    defer { work.end() }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let got = try reader.read(into: buffer)
      guard got <= fileBytes - offset else {
        throw Failure(
          .badData, "expands to more than the \(fileBytes) bytes in its header", at: name,
          remedy: "Copy the file again.")
      }
      if got == 0 { break }
      try write(Array(buffer[..<got]), offset)
      offset += got
      work.advance(by: got)
    }
    guard offset == fileBytes else {
      throw Failure(
        .badData, "expands to \(offset) bytes, but its header states \(fileBytes)", at: name,
        remedy: "Copy the file again.")
    }
  }

  private static func firstPage(_ bytes: UnsafeRawBufferPointer, name: String) throws -> [UInt8] {
    let reader = try reader(bytes, name: name)
    var page = [UInt8](repeating: 0, count: Format.headerBytes)
    var filled = 0
    while filled < page.count {
      let got = try page.withUnsafeMutableBytes {
        try reader.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
      }
      if got == 0 { break }
      filled += got
    }
    return Array(page.prefix(filled))
  }

  private static func reader(
    _ bytes: UnsafeRawBufferPointer, name: String
  ) throws -> ZstdReader {
    var done = 0
    return try ZstdReader(name: name) { buffer in
      let count = min(buffer.count, bytes.count - done)
      buffer.copyMemory(from: bytes.slice(at: done, count: count))
      done += count
      return count
    }
  }
}
