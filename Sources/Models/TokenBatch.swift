import Tensors

/// Concatenated token sequences of different lengths, without padding.
public final class TokenBatch {
  /// One sequence, or the part of it that is computed now.
  public struct Entry: Sendable {
    /// First row in the batch.
    public let row: Int
    /// Number of rows.
    public let count: Int
    /// Position of the first token in the whole sequence.
    public let position: Int
    /// Slot in the key-value cache, if there is a cache.
    public let slot: Int
    /// Index of the entry with the sequence's tokens before `position`, a prefix that several sequences can share.
    /// nil if these tokens are in a cache, or if there are none.
    public let prefix: Int?
  }

  public let capacity: Int
  public private(set) var rows = 0
  public private(set) var entries: [Entry] = []
  /// Token ids and positions, [rows].
  public let ids: UnsafeMutablePointer<Int32>
  public let positions: UnsafeMutablePointer<Int32>
  /// The row of each entry's last token, [entries].
  let lastRows: UnsafeMutablePointer<Int32>
  private let arena: Arena

  /// - Parameter capacity: the most tokens in the batch.
  public init(capacity: Int, name: String = "batch", arena: Arena) throws {
    self.capacity = capacity
    self.arena = arena
    ids = try arena.allocate("\(name) tokens", capacity, of: Int32.self)
    positions = try arena.allocate("\(name) positions", capacity, of: Int32.self)
    lastRows = try arena.allocate("\(name) last rows", capacity, of: Int32.self)
    entries.reserveCapacity(capacity)
  }

  public func removeAll() {
    rows = 0
    entries.removeAll(keepingCapacity: true)
  }

  public func fits(_ count: Int) -> Bool { rows + count <= capacity }

  /// Appends tokens whose first has the index `position` in its sequence.
  public func append(_ tokens: some Collection<Int32>, position: Int = 0, slot: Int = 0) {
    entries.append(Entry(row: rows, count: tokens.count, position: position, slot: slot, prefix: nil))
    extend(tokens, position: position)
  }

  /// Appends tokens that continue the latest entry that is not itself a continuation. Several sequences can continue
  /// the same entry, so a shared prefix is computed once.
  public func append(continuing tokens: some Collection<Int32>) {
    guard let last = entries.indices.last else { preconditionFailure("the batch has no entry to continue") }
    let prefix = entries[last].prefix ?? last
    let position = entries[prefix].count
    precondition(entries[prefix].position == 0, "only an entry that begins at position 0 can be a shared prefix")
    entries.append(Entry(row: rows, count: tokens.count, position: position, slot: 0, prefix: prefix))
    extend(tokens, position: position)
  }

  /// Appends one sequence of two pieces, such as a prompt and its answer.
  public func append(_ first: some Collection<Int32>, then second: some Collection<Int32>) {
    entries.append(Entry(row: rows, count: first.count + second.count, position: 0, slot: 0, prefix: nil))
    extend(first, position: 0)
    extend(second, position: first.count)
  }

  private func extend(_ tokens: some Collection<Int32>, position: Int) {
    precondition(fits(tokens.count), "\(rows) + \(tokens.count) tokens in a batch of \(capacity)")
    // Copied in one block: a generic iterator would allocate for every token.
    let isCopied: Void? = tokens.withContiguousStorageIfAvailable {
      if let base = $0.baseAddress { (ids + rows).update(from: base, count: $0.count) }
    }
    if isCopied == nil {
      for (index, token) in tokens.enumerated() { ids[rows + index] = token }
    }
    for index in 0..<tokens.count { positions[rows + index] = Int32(position + index) }
    rows += tokens.count
    lastRows[entries.count - 1] = Int32(rows - 1)
  }
}
