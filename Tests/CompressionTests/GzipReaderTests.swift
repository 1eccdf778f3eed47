import Support
import TestSupport
import Testing

@testable import Compression

@Suite struct GzipReaderTests {
  /// Reads all of `stream`, which the source gives out `chunk` bytes at a time.
  private func expand(_ stream: [UInt8], chunk: Int = 64, buffer: Int = 1000) throws -> [UInt8] {
    let reader = try GzipReader(name: "test", source: source(of: stream, chunk: chunk))
    return try readAll(buffer: buffer, reader.read)
  }

  private func problem(_ stream: [UInt8], chunk: Int = 64) -> String {
    do {
      return "\(try expand(stream, chunk: chunk).count) bytes"
    } catch let failure as Failure {
      return failure.kind == .badData && failure.place == "test" ? failure.what : "\(failure)"
    } catch {
      return "\(error)"
    }
  }

  /// What Python's gzip module makes of ten thousand times "tinyrlhf": codes and long repetitions.
  private static let repetitive: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xED, 0xC5, 0xB1, 0x09, 0x00, 0x30,
    0x08, 0x00, 0xB0, 0x6F, 0xA5, 0x82, 0x38, 0x14, 0x17, 0xBF, 0xEF, 0xDA, 0x23, 0x92, 0x25, 0x93,
    0xBD, 0xB7, 0x4E, 0x8C, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6,
    0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D,
    0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB,
    0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6,
    0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D,
    0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB,
    0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6,
    0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xB6, 0x6D, 0xDB, 0xDF, 0x0F, 0x38, 0xB0, 0xC2, 0xDF, 0x80, 0x38,
    0x01, 0x00,
  ]

  @Test(
    "a stream of several members is expanded whatever the pieces it comes in",
    arguments: [1, 7, 100_000])
  func members(chunk: Int) throws {
    let (a, b) = (sampleBytes(70_000), sampleBytes(5, seed: 2))
    let stream = Gzip.member(a) + Gzip.member([]) + Gzip.member(b, name: "b.jsonl")
    #expect(try expand(stream, chunk: chunk) == a + b)
    #expect(try expand(stream, chunk: chunk, buffer: 70_000) == a + b)
    #expect(try expand(stream + [0, 0, 0], chunk: chunk) == a + b)
    #expect(try expand(stream + [0, 0] + Gzip.member(b), chunk: chunk) == a + b + b)
  }

  @Test("compressed bytes are expanded, whatever the buffer")
  func compressed() throws {
    let expected = Array(String(repeating: "tinyrlhf", count: 10_000).utf8)
    for buffer in [1, 13, 100_000] {
      #expect(try expand(Self.repetitive, chunk: 5, buffer: buffer) == expected)
    }
  }

  @Test("a stream that ends inside a member is refused at every length")
  func truncated() {
    for stream in [Gzip.member(sampleBytes(200), name: "x"), Self.repetitive] {
      #expect(problem([]) == "the gzip stream is empty")
      for count in 1..<stream.count {
        #expect(problem(Array(stream.prefix(count))) == "the gzip stream ends inside a member")
        #expect(problem(stream + stream.prefix(count)) == "the gzip stream ends inside a member")
      }
    }
  }

  @Test("a checksum or a length that is not the data's is an error of its own")
  func trailer() {
    let bytes = sampleBytes(200)
    #expect(
      problem(Gzip.member(bytes, checksum: 1)) == "the gzip stream's checksum does not match its data")
    #expect(
      problem(Gzip.member(bytes, length: 201)) == "the gzip stream's length does not match its data")
    var flipped = Gzip.member(bytes)
    flipped[100] ^= 1
    #expect(
      problem(Gzip.member(bytes) + flipped) == "the gzip stream's checksum does not match its data")
  }

  @Test("bytes behind the last member are an error of their own")
  func trailing() {
    let member = Gzip.member(sampleBytes(200))
    for tail in [Array("text".utf8), [0x1F, 0x8C, 8], [0, 0, 1], [0x28, 0xB5, 0x2F, 0xFD]] {
      for chunk in [1, 1000] {
        #expect(problem(member + tail, chunk: chunk) == "the data after the gzip stream is not gzip")
      }
    }
  }

  @Test("what is no gzip, or is damaged inside, is refused by name")
  func damaged() {
    #expect(problem(Array("no gzip".utf8)) == "this is not a gzip stream")
    #expect(problem([0x1F, 0x8C, 8, 0, 0, 0, 0, 0, 0, 0]) == "this is not a gzip stream")
    var method = Gzip.member([1, 2, 3])
    method[2] = 7
    #expect(problem(method) == "the gzip stream is damaged: unknown compression method")
    var block = Gzip.member([1, 2, 3])
    block[10] = 7
    #expect(problem(block) == "the gzip stream is damaged: invalid block type")
  }

  @Test("expanding takes no memory once it has begun, whatever the header or the data claim")
  func bounded() throws {
    // The zero that ends the name does not come for 16 MB.
    let named = Gzip.member([1], name: String(repeating: "n", count: 16 << 20))
    var done = 0
    let reader = try GzipReader(name: "test") { into in
      let stream = done < named.count ? named[done...] : Self.repetitive[...]
      let part = stream.prefix(min(into.count, 1 << 16))
      into.copyBytes(from: part)
      done += part.count
      return part.count
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { buffer.deallocate() }
    var total = 0
    func expand(_ count: Int) throws {
      let end = total + count
      while total < end { total += try reader.read(into: buffer) }
    }
    // Then member follows member, each five hundred times as long as it is written.
    try expand(1)
    #expect(total == 1)
    try expand(1 << 20)
    let count = try allocations { try expand(64 << 20) }
    #expect(count ?? 0 == 0)
  }
}
