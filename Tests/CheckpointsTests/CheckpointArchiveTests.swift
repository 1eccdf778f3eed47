@testable import Compression
import Glibc
import Support
import Testing

@testable import Checkpoints

private let zstdCommand = ["/usr/bin/zstd", "/usr/local/bin/zstd"].first { Files.exists($0) }

/// Runs a program and returns its exit code.
private func run(_ arguments: [String]) -> Int32 {
  var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  var child: pid_t = 0
  guard posix_spawn(&child, arguments[0], nil, nil, &pointers, environ) == 0 else { return -1 }
  var status: Int32 = 0
  waitpid(child, &status, 0)
  return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
}

@Suite struct CheckpointArchiveTests {
  @Test(
    "a packed and unpacked checkpoint is the checkpoint, for any number of threads",
    arguments: [1, 3])
  func roundTrip(threads: Int) throws {
    let sample = Sample(rows: 50_000)
    let path = try sample.write()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(path, to: archive, level: 3, threads: threads)
    #expect(try Files.read(archive).count < Files.read(path).count)
    try Checkpoint.unpack(archive, to: sample.folder("b.trlhf"), threads: threads)
    #expect(try Files.read(sample.folder("b.trlhf")) == Files.read(path))
    try Checkpoint.pack(path, to: sample.folder("c.trlhf.zst"), level: 3)
    #expect(try Files.read(sample.folder("c.trlhf.zst")) == Files.read(archive))
  }

  @Test("an archive is opened through the cache, once")
  func cache() throws {
    let sample = Sample()
    let path = try sample.write()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(path, to: archive)
    let cache = Folder()
    let first = try Checkpoint.open(archive, cache: cache.path, verify: true)
    #expect(first.configuration == sample.contents.configuration)
    #expect(cache.names.count == 1 && cache.names[0].count == 16 + ".trlhf".count)
    let file = cache(cache.names[0])
    #expect(try Files.read(file) == Files.read(path))
    var (before, after) = (stat(), stat())
    stat(file, &before)
    _ = try Checkpoint.open(archive, cache: cache.path)
    stat(file, &after)
    #expect(before.st_ino == after.st_ino)
    truncate(file, 5000)
    let failure = #expect(throws: Failure.self) { try Checkpoint.open(archive, cache: cache.path) }
    #expect(failure?.kind == .badData && failure?.remedy?.contains("tinyrlhf cache --clear") == true)
  }

  @Test("an archive that has changed is never answered from the cache")
  func changedArchive() throws {
    let sample = Sample()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(sample.write(), to: archive)
    let cache = Folder()
    _ = try Checkpoint.open(archive, cache: cache.path)
    var bytes = try Files.read(archive)
    let frame = bytes.withUnsafeBytes { try? Archive($0, name: "a").frames[1] }
    bytes[try #require(frame).offset + 9] ^= 16
    try Files.writeAtomically(bytes, to: archive)
    #expect(throws: Failure.self) { try Checkpoint.open(archive, cache: cache.path) }
    #expect(cache.names.count == 1)
  }

  @Test("the cache stays below its limit: what was not used for longest goes first, and what is too large goes to memory")
  func cacheLimit() throws {
    let samples = [300, 400, 500].map { Sample(rows: $0) }
    defer { withExtendedLifetime(samples) {} }
    let archives = try samples.map { sample in
      let archive = sample.folder("a.trlhf.zst")
      try Checkpoint.pack(sample.write(), to: archive)
      return archive
    }
    let size = try Checkpoint(path: samples[2].folder("a.trlhf")).fileBytes
    let folder = Folder()
    let cache = try #require(try CacheFolder(folder.path, limit: 2 * size))
    func use(_ index: Int) throws { _ = try Checkpoint.open(archives[index], cache: cache) }
    func age(_ path: String, by seconds: Int) {
      var times = [timeval(tv_sec: 1_700_000_000 - seconds, tv_usec: 0), timeval(tv_sec: 1_700_000_000 - seconds, tv_usec: 0)]
      utimes(path, &times)
    }
    try use(0)
    let first = try cache.files()[0].path
    age(first, by: 20)
    try use(1)
    let second = try #require(try cache.files().map(\.path).first { $0 != first })
    age(second, by: 10)
    // Used again, the first is the younger one.
    try use(0)
    try use(2)
    let left = try cache.files().map(\.path)
    #expect(left.count == 2 && left.contains(first) && !left.contains(second))
    let small = try #require(try CacheFolder(folder.path, limit: 10))
    let opened = try Checkpoint.open(archives[1], cache: small, verify: true)
    #expect(try opened.contentHash == Checkpoint(path: samples[1].folder("a.trlhf")).contentHash)
    #expect(try cache.files().map(\.path) == left)
    try Files.writeAtomically([1], to: folder("notes.txt"))
    #expect(try cache.clear().count == 2)
    #expect(folder.names == ["notes.txt"])
  }

  @Test("without a folder that can be written an archive is opened in memory")
  func memory() throws {
    let sample = Sample()
    let path = try sample.write()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(path, to: archive)
    let before = sample.folder.names
    let opened = try Checkpoint.open(
      archive, cache: "/dev/null/none", access: .copyOnWrite, verify: true)
    #expect(try opened.contentHash == Checkpoint(path: path).contentHash)
    try opened.sectionBytes(.weights, .policy)[0] = 1
    try opened.checkStillWhole()
    #expect(sample.folder.names == before)
  }

  @Test("a checkpoint opens from bytes in memory, packed or not")
  func bytes() throws {
    let sample = Sample()
    let path = try sample.write()
    try Checkpoint.pack(path, to: sample.folder("a.trlhf.zst"))
    let hash = try Checkpoint(path: path).contentHash
    for name in ["a.trlhf", "a.trlhf.zst"] {
      let checkpoint = try Files.read(sample.folder(name)).withUnsafeBytes {
        try Checkpoint(bytes: $0, name: "builtin:base", threads: 2)
      }
      try checkpoint.verify()
      #expect(checkpoint.contentHash == hash && checkpoint.path == "builtin:base")
    }
  }

  @Test("a damaged or truncated archive is refused and the old file stays")
  func damaged() throws {
    let sample = Sample()
    let path = try sample.write()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(path, to: archive)
    let (before, packed) = (try Files.read(path), try Files.read(archive))
    let bad = sample.folder("bad.trlhf.zst")
    for offset in stride(from: 0, to: packed.count, by: packed.count / 29) {
      var bytes = packed
      bytes[offset] ^= 0x10
      try Files.writeAtomically(bytes, to: bad)
      #expect(throws: Failure.self) { try Checkpoint.unpack(bad, to: path) }
      try Files.writeAtomically(Array(packed.prefix(offset)), to: bad)
      #expect(throws: Failure.self) { try Checkpoint.unpack(bad, to: path) }
    }
    #expect(try Files.read(path) == before)
    #expect(sample.folder.names == ["a.trlhf", "a.trlhf.zst", "bad.trlhf.zst"])
  }

  @Test("a damaged checkpoint is not packed")
  func packVerifies() throws {
    let sample = Sample()
    let path = try sample.write()
    var bytes = try Files.read(path)
    bytes[bytes.count - 1] ^= 1
    try Files.writeAtomically(bytes, to: path)
    #expect(throws: Failure.self) {
      try Checkpoint.pack(path, to: sample.folder("a.trlhf.zst"))
    }
    #expect(sample.folder.names == ["a.trlhf"])
  }

  @Test(
    "zstd -t accepts an archive; what zstd alone expands is refused with the remedy",
    .enabled(if: zstdCommand != nil))
  func command() throws {
    let sample = Sample()
    let archive = sample.folder("a.trlhf.zst")
    try Checkpoint.pack(sample.write(), to: archive)
    #expect(run([zstdCommand!, "-t", "-q", archive]) == 0)
    let expanded = sample.folder("b.trlhf")
    #expect(run([zstdCommand!, "-d", "-q", archive, "-o", expanded]) == 0)
    #expect { try Checkpoint(path: expanded) } throws: {
      ($0 as? Failure)?.remedy?.contains("unpack") == true
    }
  }

  @Test(
    "what the zstd command makes of a checkpoint is opened too",
    .enabled(if: zstdCommand != nil))
  func foreign() throws {
    let sample = Sample()
    let path = try sample.write()
    let archive = sample.folder("b.trlhf.zst")
    #expect(run([zstdCommand!, "-q", path, "-o", archive]) == 0)
    let cache = Folder()
    let opened = try Checkpoint.open(archive, cache: cache.path, verify: true)
    #expect(try opened.contentHash == Checkpoint(path: path).contentHash)
    try Checkpoint.unpack(archive, to: sample.folder("c.trlhf"))
    #expect(try Files.read(sample.folder("c.trlhf")) == Files.read(path))
    // A stream that goes on after the checkpoint is cut off, not written out.
    try Files.writeAtomically(Files.read(archive) + Files.read(archive), to: archive)
    #expect(throws: Failure.self) { try Checkpoint.unpack(archive, to: sample.folder("d.trlhf")) }
  }
}
