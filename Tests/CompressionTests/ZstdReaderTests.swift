import Support
import Testing

@testable import Compression

@Suite struct ZstdReaderTests {
  /// Reads all of `stream`, which the source gives out `chunk` bytes at a time.
  static func expand(_ stream: [UInt8], chunk: Int, buffer: Int = 1000) throws -> [UInt8] {
    let reader = try ZstdReader(name: "test", source: source(of: stream, chunk: chunk))
    return try readAll(buffer: buffer, reader.read)
  }

  static func frame(_ raw: [UInt8]) throws -> [UInt8] {
    try raw.withUnsafeBytes { try Zstd.Compressor().compress($0, .level(3)) }
  }

  @Test(
    "a stream of several frames is expanded whatever the pieces it comes in",
    arguments: [1, 7, 100_000])
  func frames(chunk: Int) throws {
    let (a, b) = (sampleBytes(30_000), sampleBytes(5, seed: 2))
    let stream = try Self.frame(a) + Self.frame([]) + Self.frame(b)
    #expect(try Self.expand(stream, chunk: chunk) == a + b)
    #expect(try Self.expand(stream, chunk: chunk, buffer: 30_000) == a + b)
  }

  @Test("a stream that ends inside a frame is refused at every length")
  func truncated() throws {
    let stream = try Self.frame(sampleBytes(200))
    for count in 0..<stream.count {
      #expect(throws: Failure.self) { try Self.expand(Array(stream.prefix(count)), chunk: 64) }
    }
    #expect(try Self.expand(stream, chunk: 64).count == 200)
  }

  @Test("a damaged stream is refused")
  func damaged() throws {
    var stream = try Self.frame(sampleBytes(5000))
    stream[stream.count / 2] ^= 1
    #expect(throws: Failure.self) { try Self.expand(stream, chunk: 64) }
    #expect(throws: Failure.self) { try Self.expand(Array("no zstd".utf8), chunk: 64) }
  }

  @Test("a frame with a window beyond 33.6 MB is refused, and told apart from a damaged one")
  func window() throws {
    // Magic, no content size, the window's descriptor, one empty last block.
    func stream(windowLog: UInt8) -> [UInt8] {
      [0x28, 0xB5, 0x2F, 0xFD, 0x00, (windowLog - 10) << 3, 0x01, 0x00, 0x00]
    }
    for log in UInt8(26)...31 {
      let failure = #expect(throws: Failure.self) {
        try Self.expand(stream(windowLog: log), chunk: 64)
      }
      #expect(
        failure?.description == """
          test: the zstd stream needs a window larger than 33.6 MB. Compress it with `zstd -19`, or expand it \
          first.
          """)
    }
    for log in UInt8(10)...25 {
      #expect(try Self.expand(stream(windowLog: log), chunk: 64).isEmpty)
    }
  }
}
