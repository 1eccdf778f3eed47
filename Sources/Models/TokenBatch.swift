import Tensors

/// Ragged token sequences, concatenated: no pad token exists.
public final class TokenBatch: @unchecked Sendable {
  /// One sequence, or the part of it that is computed now.
  public struct Entry: Sendable {
    /// Its first row in the batch.
    public let row: Int
    /// Its rows.
    public let count: Int
    /// The position of its first token in the whole sequence.
    public let position: Int
    /// Its slot in the key-value cache, when there is one.
    public let slot: Int
  }

  public let capacity: Int
  public private(set) var rows = 0
  public private(set) var entries: [Entry] = []
  /// Token ids and positions, [rows].
  public let ids: UnsafeMutablePointer<Int32>
  public let positions: UnsafeMutablePointer<Int32>
  private let arena: Arena

  /// - Parameter capacity: tokens that fit.
  public init(capacity: Int, name: String = "batch", arena: Arena) throws {
    self.capacity = capacity
    self.arena = arena
    ids = try arena.allocate("\(name) tokens", capacity, of: Int32.self)
    positions = try arena.allocate("\(name) positions", capacity, of: Int32.self)
    entries.reserveCapacity(capacity)
  }

  public func removeAll() {
    rows = 0
    entries.removeAll(keepingCapacity: true)
  }

  public func fits(_ count: Int) -> Bool { rows + count <= capacity }

  /// Appends tokens that stand at `position`… of their sequence.
  public func append(_ tokens: some Collection<Int32>, position: Int = 0, slot: Int = 0) {
    precondition(fits(tokens.count), "\(rows) + \(tokens.count) tokens in a batch of \(capacity)")
    entries.append(Entry(row: rows, count: tokens.count, position: position, slot: slot))
    var row = rows
    for token in tokens {
      ids[row] = token
      positions[row] = Int32(position + row - rows)
      row += 1
    }
    rows = row
  }
}
