import Synchronization

/// Bytes on their way to a file, which takes them from one thread at a time: while one writes, the
/// others need not wait, since what they bring is kept for whoever writes next.
final class WriteQueue: Sendable {
  private struct Part {
    let bytes: [UInt8]
    let offset: Int
  }

  private let waiting = Mutex<[Part]>([])
  private let file = Mutex<Void>(())
  private let body: @Sendable ([UInt8], Int) throws -> Void

  init(_ body: @escaping @Sendable (_ bytes: [UInt8], _ offset: Int) throws -> Void) {
    self.body = body
  }

  func add(_ bytes: [UInt8], at offset: Int) {
    waiting.withLock { $0.append(Part(bytes: bytes, offset: offset)) }
  }

  /// Writes one part, unless another thread is writing; then it waits for that thread only if
  /// `limit` parts or more are waiting, so that memory stays bounded.
  func writeOne(limit: Int) throws {
    let done: Void? = try file.withLockIfAvailable { _ in try writeFirst() }
    if done == nil, waiting.withLock({ $0.count }) >= limit {
      try file.withLock { _ in try writeFirst() }
    }
  }

  /// Writes all that waits.
  func finish() throws {
    try file.withLock { _ in
      while !waiting.withLock({ $0.isEmpty }) { try writeFirst() }
    }
  }

  private func writeFirst() throws {
    guard let part = waiting.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
    try body(part.bytes, part.offset)
  }
}
