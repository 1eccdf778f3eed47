import CZstd
import Support

/// A `.zst` stream that is expanded one buffer at a time. Its memory does not grow with the stream's length.
///
/// Several frames may follow each other. A frame whose window is larger than 33.6 MB is refused, because the whole
/// window may have to be kept in memory even for little data. The zstd command stays below this limit at every level
/// except --ultra 21 and 22, unless --long is given.
public final class ZstdReader {
  private static let maximumWindowLog: Int32 = 25

  private let name: String
  private let context: OpaquePointer
  private let input: StreamInput
  /// Whether the last frame is complete; the stream may end only in this state.
  private var isAtFrameEnd = false

  /// - Parameters:
  ///   - name: the stream's name in errors.
  ///   - source: fills the start of a buffer and returns the number of bytes; 0 at the end.
  public init(
    name: String, source: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws {
    guard let context = ZSTD_createDCtx() else { throw Zstd.noMemory }
    _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.maximumWindowLog)
    self.context = context
    self.name = name
    input = StreamInput(bytes: ZSTD_DStreamInSize(), source: source)
  }

  deinit { ZSTD_freeDCtx(context) }

  /// Fills the start of `buffer` and returns the number of bytes; 0 at the end.
  /// - Throws: `Failure(.badData)` if the stream is damaged or ends inside a frame.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard buffer.count > 0 else { return 0 }
    while true {
      try input.refill()
      if input.isDry && isAtFrameEnd { return 0 }
      let produced = try step(into: buffer)
      if produced > 0 { return produced }
      guard !input.isDry || isAtFrameEnd else {
        throw Failure(
          .badData, "the zstd stream ends inside a frame", at: name, remedy: "Copy the file again.")
      }
    }
  }

  private func step(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var into = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
    var from = ZSTD_inBuffer(src: input.bytes.baseAddress, size: input.end, pos: input.start)
    let hint = ZSTD_decompressStream(context, &into, &from)
    guard ZSTD_isError(hint) == 0 else {
      guard ZSTD_getErrorCode(hint) != ZSTD_error_frameParameter_windowTooLarge else {
        throw Failure(
          .badData, "the zstd stream needs a window larger than \(Formatting.bytes(1 << Self.maximumWindowLog))",
          at: name, remedy: "Compress it with `zstd -19`, or expand it first.")
      }
      throw Failure(.badData, "the zstd stream is damaged: \(Zstd.reason(hint))", at: name,
        remedy: "Copy the file again.")
    }
    input.start = from.pos
    isAtFrameEnd = hint == 0
    return into.pos
  }
}
