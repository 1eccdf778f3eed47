import Tensors

/// Keys and values of the sequences that are being generated: [slot][layer][key, value][position].
public final class KVCache: @unchecked Sendable {
  public let slots: Int
  /// Positions a slot holds.
  public let capacity: Int
  let width: Int
  private let layers: Int
  private let base: UnsafeMutablePointer<Float>
  private let arena: Arena

  public init(_ a: Architecture, slots: Int, capacity: Int, arena: Arena) throws {
    self.slots = slots
    self.capacity = capacity
    self.arena = arena
    layers = a.layers
    width = a.keyValueWidth
    base = try arena.floats("key-value cache", slots * layers * 2 * capacity * width)
  }

  func keys(slot: Int, layer: Int) -> UnsafeMutablePointer<Float> {
    base + (slot * layers + layer) * 2 * capacity * width
  }

  func values(slot: Int, layer: Int) -> UnsafeMutablePointer<Float> {
    keys(slot: slot, layer: layer) + capacity * width
  }

  /// Stores the keys and values of one entry, rows of a fused qkv activation.
  func store(_ entry: TokenBatch.Entry, layer: Int, qkv: Matrix, queryWidth: Int) {
    precondition(
      entry.position + entry.count <= capacity,
      "position \(entry.position + entry.count) in a cache of \(capacity)")
    let keys = keys(slot: entry.slot, layer: layer)
    let values = values(slot: entry.slot, layer: layer)
    for row in 0..<entry.count {
      let source = qkv.row(entry.row + row) + queryWidth
      let offset = (entry.position + row) * width
      (keys + offset).update(from: source, count: width)
      (values + offset).update(from: source + width, count: width)
    }
  }

  /// Gives `target` the first `count` positions of `source`: one prompt serves all its samples.
  func copy(_ count: Int, from source: Int, to target: Int) {
    for layer in 0..<layers {
      keys(slot: target, layer: layer).update(
        from: keys(slot: source, layer: layer), count: count * width)
      values(slot: target, layer: layer).update(
        from: values(slot: source, layer: layer), count: count * width)
    }
  }
}
