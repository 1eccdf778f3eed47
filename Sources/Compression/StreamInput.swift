/// The compressed bytes of a stream on their way to a decompressor: a buffer that the source fills again
/// when it is used up.
final class StreamInput {
  let bytes: UnsafeMutableRawBufferPointer
  /// The first byte that is not used yet.
  var start = 0
  private(set) var end = 0
  /// Whether the source has ended.
  private(set) var isDry = false
  private let source: (UnsafeMutableRawBufferPointer) throws -> Int

  /// - Parameter source: fills a part of a buffer and returns its size; 0 at the end.
  init(
    bytes count: Int, source: @escaping (UnsafeMutableRawBufferPointer) throws -> Int
  ) {
    bytes = .allocate(byteCount: count, alignment: 16)
    self.source = source
  }

  deinit { bytes.deallocate() }

  var isEmpty: Bool { start == end }

  /// Asks the source for more where all is used, until it has ended.
  func refill() throws {
    guard isEmpty, !isDry else { return }
    start = 0
    end = try source(bytes)
    isDry = end == 0
  }
}
