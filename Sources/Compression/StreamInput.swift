/// The input buffer of a decompressor; the source refills it when it is empty.
final class StreamInput {
  let bytes: UnsafeMutableRawBufferPointer
  /// The index of the first unused byte.
  var start = 0
  private(set) var end = 0
  /// Whether the source has ended.
  private(set) var isDry = false
  private let source: (UnsafeMutableRawBufferPointer) throws -> Int

  /// - Parameter source: fills the start of a buffer and returns the number of bytes; 0 at the end.
  init(
    bytes count: Int, source: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) {
    bytes = .allocate(byteCount: count, alignment: 16)
    self.source = source
  }

  deinit { bytes.deallocate() }

  var isEmpty: Bool { start == end }

  /// If the buffer is empty and the source has not ended, asks the source for more.
  func refill() throws {
    guard isEmpty, !isDry else { return }
    start = 0
    end = try source(bytes)
    isDry = end == 0
  }
}
