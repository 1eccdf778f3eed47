import CZstd
import Support

/// One frame in, one frame out.
enum Zstd {
  static let levels = Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel())

  /// A frame that states its size and carries a checksum.
  static func compress(_ bytes: UnsafeRawBufferPointer, level: Int) throws -> [UInt8] {
    guard let context = ZSTD_createCCtx() else { throw noMemory }
    defer { ZSTD_freeCCtx(context) }
    _ = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
    _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    let bound = ZSTD_compressBound(bytes.count)
    return try [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
      let result = ZSTD_compress2(
        context, buffer.baseAddress, bound, bytes.baseAddress, bytes.count)
      guard ZSTD_isError(result) == 0 else {
        throw Failure(.failed, "zstd cannot compress: \(reason(result))")
      }
      count = result
    }
  }

  /// Expands exactly one frame to exactly `destination.count` bytes, in a window no larger.
  static func decompress(
    _ frame: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer,
    at place: String
  ) throws {
    let size = ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)
    guard ZSTD_isError(size) == 0, size == frame.count,
      ZSTD_getFrameContentSize(frame.baseAddress, frame.count) == UInt64(destination.count)
    else {
      throw Failure(.badData, "the frame is not of the size that the tables state", at: place,
        remedy: "Copy the file again.")
    }
    let result = ZSTD_decompress(
      destination.baseAddress, destination.count, frame.baseAddress, frame.count)
    guard ZSTD_isError(result) == 0, result == destination.count else {
      throw Failure(
        .badData, "the frame is damaged: \(reason(result))", at: place,
        remedy: "Copy the file again.")
    }
  }

  static func reason(_ code: Int) -> String { String(cString: ZSTD_getErrorName(code)) }

  static var noMemory: Failure { Failure(.outOfMemory, "no memory for zstd's tables") }
}
