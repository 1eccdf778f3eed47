import Synchronization

/// A queue of writes to a file. One thread writes at a time; the others do not wait but leave their bytes for the
/// next writer.
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

  /// Writes one part if no other thread is writing. If another thread is writing, waits for it only if `limit` or
  /// more parts are waiting, so that memory stays bounded.
  func writeOne(limit: Int) throws {
    let done: Void? = try file.withLockIfAvailable { _ in try writeFirst() }
    if done == nil, waiting.withLock({ $0.count }) >= limit {
      try file.withLock { _ in try writeFirst() }
    }
  }

  /// Writes all waiting parts.
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
