import Tensors

/// Keys and values of the sequences that are being generated, [slot][layer][keys, values], in the
/// order in which decoding reads them (`KeyValueStorage.cache`).
public final class KVCache {
  public let slots: Int
  /// Positions per slot, a multiple of `KeyValuePrecision.group`.
  public let capacity: Int
  public let precision: KeyValuePrecision
  private let layers: Int
  private let kvHeads: Int
  private let headDim: Int
  /// Bytes of all keys, or all values, of one kv head in one slot and layer.
  private let headBytes: Int
  private let base: UnsafeMutableRawPointer
  private var entries: [CacheEntry] = []
  private let arena: Arena

  /// - Parameter capacity: positions that a slot must hold; rounded up to a multiple of `KeyValuePrecision.group`.
  public init(
    _ a: Architecture, slots: Int, capacity: Int, precision: KeyValuePrecision, arena: Arena
  ) throws {
    self.slots = slots
    let group = KeyValuePrecision.group
    self.capacity = (capacity + group - 1) / group * group
    self.precision = precision
    self.arena = arena
    layers = a.layers
    kvHeads = a.kvHeads
    headDim = a.headDim
    headBytes = self.capacity / group * precision.groupBytes(headDim: a.headDim)
    let name = "key-value cache"
    base = try arena.allocate(name, bytes: try Arena.bytes(name, slots, layers, 2, kvHeads, headBytes))
    entries.reserveCapacity(slots)
  }

  var storage: KeyValueStorage { .cache(precision, capacity: capacity) }

  /// Bytes of all keys, or all values, of one slot and layer.
  private var plane: Int { kvHeads * headBytes }

  func keys(slot: Int, layer: Int) -> UnsafeMutableRawPointer {
    base + (slot * layers + layer) * 2 * plane
  }

  func values(slot: Int, layer: Int) -> UnsafeMutableRawPointer {
    keys(slot: slot, layer: layer) + plane
  }

  /// Stores the keys and values of a batch from the rows of a fused qkv activation.
  /// - Parameter keyFactors: an int8 cache multiplies keys by these factors, [kvHeads, headDim]; nil for 1.
  func store(
    _ batch: TokenBatch, layer: Int, qkv: Matrix, queryWidth: Int, keyFactors: UnsafePointer<Float>?,
    compute: Compute
  ) {
    entries.removeAll(keepingCapacity: true)
    for entry in batch.entries {
      precondition(
        entry.position + entry.count <= capacity,
        "position \(entry.position + entry.count) in a cache of \(capacity)")
      let k = qkv.row(entry.row) + queryWidth
      entries.append(
        CacheEntry(
          count: Int64(entry.count), position: Int64(entry.position), k: k,
          v: k + kvHeads * headDim, keys: keys(slot: entry.slot, layer: layer),
          values: values(slot: entry.slot, layer: layer)))
    }
    entries.withUnsafeBufferPointer {
      compute.store(
        $0, kvHeads: kvHeads, headDim: headDim, stride: qkv.stride, precision, capacity: capacity,
        keyFactors: keyFactors)
    }
  }

  /// Copies the first `count` positions of slot `source` to slot `target`, so that all samples of a prompt share its
  /// computation. Whole groups of positions are copied.
  func copy(_ count: Int, from source: Int, to target: Int) {
    let group = KeyValuePrecision.group
    let used = (count + group - 1) / group * precision.groupBytes(headDim: headDim)
    for layer in 0..<layers {
      for head in 0..<kvHeads {
        let offset = head * headBytes
        for plane in [0, plane] {
          (keys(slot: target, layer: layer) + plane + offset).copyMemory(
            from: keys(slot: source, layer: layer) + plane + offset, byteCount: used)
        }
      }
    }
  }
}
