import CZlib
import Support

/// A `.gz` stream, expanded a buffer at a time in memory that does not grow with its length: zlib's
/// window of 32 kB and two buffers.
///
/// Members may follow one another, as in what `cat a.gz b.gz`, pigz or bgzip write, and zeros may follow
/// the last, as on tapes. Every member's checksum and length are compared with its data.
public final class GzipReader {
  private static let inputSize = 1 << 16

  private let name: String
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: StreamInput
  /// Whether a member has begun and not yet ended; nothing may end before it has.
  private var isInMember = false
  /// Members that have begun.
  private var members = 0

  /// - Parameters:
  ///   - name: what errors call the stream.
  ///   - source: fills a part of a buffer and returns its size; 0 at the end.
  /// - Throws: `Failure(.outOfMemory)`.
  public init(
    name: String, source: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    self.name = name
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    input = StreamInput(bytes: Self.inputSize, source: source)
    // 15 bits of window; 16 more ask for gzip's header and trailer.
    let status = inflateInit2_(
      stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw Self.noMemory }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Fills a part of `buffer` and returns its size; 0 at the end.
  /// - Throws: `Failure(.badData)` if the stream is none, is damaged, ends inside a member, or is
  ///   followed by something else.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard buffer.count > 0 else { return 0 }
    while true {
      try input.refill()
      if !isInMember {
        if members > 0 { skipZeros() }
        if input.isEmpty {
          guard input.isDry else { continue }
          guard members > 0 else { throw bad("the gzip stream is empty") }
          return 0
        }
        try beginMember()
      }
      let produced = try step(into: buffer)
      if produced > 0 { return produced }
      guard !input.isDry || !isInMember else { throw bad("the gzip stream ends inside a member") }
    }
  }

  private func skipZeros() {
    while !input.isEmpty, input.bytes[input.start] == 0 { input.start += 1 }
  }

  private func beginMember() throws {
    guard input.bytes[input.start] == 0x1F else { throw foreign }
    inflateReset(stream)
    isInMember = true
    members += 1
  }

  private func step(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let room = min(buffer.count, 1 << 30)
    stream.pointee.next_in = (input.bytes.baseAddress! + input.start)
      .assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_in = uInt(input.end - input.start)
    stream.pointee.next_out = buffer.baseAddress!.assumingMemoryBound(to: Bytef.self)
    stream.pointee.avail_out = uInt(room)
    let status = inflate(stream, Z_NO_FLUSH)
    input.start = input.end - Int(stream.pointee.avail_in)
    switch status {
    // A call without progress wants more input, or says that there is none.
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: isInMember = false
    case Z_MEM_ERROR: throw Self.noMemory
    default: throw damage(stream.pointee.msg.map { String(cString: $0) } ?? "status \(status)")
    }
    return room - Int(stream.pointee.avail_out)
  }

  private func damage(_ reason: String) -> Failure {
    switch reason {
    case "incorrect header check": foreign
    case "incorrect data check": bad("the gzip stream's checksum is not that of its data")
    case "incorrect length check": bad("the gzip stream's length is not that of its data")
    default: bad("the gzip stream is damaged: \(reason)")
    }
  }

  /// Where a member should begin, something else does.
  private var foreign: Failure {
    members > 1 || (members == 1 && !isInMember)
      ? bad("what follows the gzip stream is not gzip")
      : Failure(
        .badData, "this is not a gzip stream", at: name,
        remedy: "Give the file its right name, or compress it again.")
  }

  private func bad(_ what: String) -> Failure {
    Failure(.badData, what, at: name, remedy: "Copy the file again.")
  }

  private static var noMemory: Failure { Failure(.outOfMemory, "no memory for zlib's tables") }
}
