import CZstd
import Support

/// Compresses and expands single zstd frames.
enum Zstd {
  static let levels = Int(ZSTD_minCLevel())...Int(ZSTD_maxCLevel())

  /// The way to compress a frame.
  enum Effort {
    case level(Int)
    /// Entropy coding only: frequent bytes get short codes, and repetitions are not searched. For bytes that have a
    /// distribution but no pattern, such as the exponents of weights. There, searching for repetitions costs time. It
    /// also costs space, because coding a match of three or four bytes takes more bits than their codes.
    case entropy
  }

  /// Compresses frames one after another in the same memory. Not for use by two threads at once.
  final class Compressor: @unchecked Sendable {
    private let context: OpaquePointer

    init() throws {
      guard let context = ZSTD_createCCtx() else { throw Zstd.noMemory }
      self.context = context
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Returns a frame with its content size and a checksum.
    func compress(_ bytes: UnsafeRawBufferPointer, _ effort: Effort) throws -> [UInt8] {
      ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters)
      switch effort {
      case .level(let level): set(ZSTD_c_compressionLevel, level)
      case .entropy:
        set(ZSTD_c_compressionLevel, 1)
        set(ZSTD_c_strategy, Int(ZSTD_fast.rawValue))
        // The table of positions is so small that matches are found only in runs.
        set(ZSTD_c_hashLog, 6)
        set(ZSTD_c_minMatch, 7)
      }
      set(ZSTD_c_checksumFlag, 1)
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

    private func set(_ parameter: ZSTD_cParameter, _ value: Int) {
      let result = ZSTD_CCtx_setParameter(context, parameter, Int32(value))
      precondition(ZSTD_isError(result) == 0, "\(parameter) cannot be \(value): \(reason(result))")
    }
  }

  /// Expands exactly one frame into exactly `destination.count` bytes, with a window no larger than that.
  static func decompress(
    _ frame: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer,
    at place: String
  ) throws {
    let size = ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count)
    guard ZSTD_isError(size) == 0, size == frame.count,
      ZSTD_getFrameContentSize(frame.baseAddress, frame.count) == UInt64(destination.count)
    else {
      throw Failure(.badData, "the frame's size differs from the size in the tables", at: place,
        remedy: "Copy the file again.", code: .damagedFile)
    }
    let result = ZSTD_decompress(
      destination.baseAddress, destination.count, frame.baseAddress, frame.count)
    guard ZSTD_isError(result) == 0, result == destination.count else {
      throw Failure(
        .badData, "the frame is damaged: \(reason(result))", at: place,
        remedy: "Copy the file again.", code: .damagedFile)
    }
  }

  static func reason(_ code: Int) -> String { String(cString: ZSTD_getErrorName(code)) }

  static var noMemory: Failure { Failure(.outOfMemory, "no memory for zstd's tables") }
}
