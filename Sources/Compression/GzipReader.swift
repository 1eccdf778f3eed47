import CZlib
import Support

/// A `.gz` stream that is expanded one buffer at a time. Its memory does not grow with the stream's length: zlib's
/// window of 32 kB and two buffers.
///
/// Several members may follow each other, as `cat a.gz b.gz`, pigz or bgzip write them. Zeros may follow the last
/// member, as on tapes. The checksum and length of every member are checked.
public final class GzipReader {
  private static let inputSize = 1 << 16

  private let name: String
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: StreamInput
  /// Whether a member has begun but not ended; the stream may not end in this state.
  private var isInMember = false
  /// The number of members that have begun.
  private var members = 0

  /// - Parameters:
  ///   - name: the stream's name in errors.
  ///   - source: fills the start of a buffer and returns the number of bytes; 0 at the end.
  /// - Throws: `Failure(.outOfMemory)`.
  public init(
    name: String, source: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    self.name = name
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    input = StreamInput(bytes: Self.inputSize, source: source)
    // 15 bits of window; adding 16 selects gzip's header and trailer.
    let status = inflateInit2_(
      stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw Self.noMemory }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Fills the start of `buffer` and returns the number of bytes; 0 at the end.
  /// - Throws: `Failure(.badData)` if this is not a gzip stream, is damaged, ends inside a member, or is followed by
  ///   other data.
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
    // No progress: the call needs more input, or the input has ended.
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
    case "incorrect data check": bad("the gzip stream's checksum does not match its data")
    case "incorrect length check": bad("the gzip stream's length does not match its data")
    default: bad("the gzip stream is damaged: \(reason)")
    }
  }

  /// The error for data that does not start with a gzip member.
  private var foreign: Failure {
    members > 1 || (members == 1 && !isInMember)
      ? bad("the data after the gzip stream is not gzip")
      : Failure(
        .badData, "this is not a gzip stream", at: name,
        remedy: "Rename the file to match its format, or compress it again.")
  }

  private func bad(_ what: String) -> Failure {
    Failure(.badData, what, at: name, remedy: "Copy the file again.")
  }

  private static var noMemory: Failure { Failure(.outOfMemory, "no memory for zlib's tables") }
}
