import CZstd
import Support

/// A `.zst` stream, expanded a buffer at a time in memory that does not grow with its length.
///
/// Frames may follow one another. A frame whose window exceeds 33.6 MB is refused: all of a window may
/// have to be kept, whatever little it is a window on. The zstd command stays below it at every level
/// but --ultra 21 and 22, unless it is asked for --long.
public final class ZstdReader {
  private static let maximumWindowLog: Int32 = 25

  private let name: String
  private let context: OpaquePointer
  private let input: StreamInput
  /// Whether the last frame is whole; nothing may end before it is.
  private var isAtFrameEnd = false

  /// - Parameters:
  ///   - name: what errors call the stream.
  ///   - source: fills a part of a buffer and returns its size; 0 at the end.
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

  /// Fills a part of `buffer` and returns its size; 0 at the end.
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
          .badData, "the zstd stream asks for a window beyond \(Formatting.bytes(1 << Self.maximumWindowLog))",
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
