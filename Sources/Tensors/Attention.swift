import CKernels

public typealias AttentionSequence = tk_attention_sequence
public typealias AttentionBackwardSequence = tk_attention_backward_sequence
public typealias CacheEntry = tk_cache_entry

extension AttentionSequence {
  /// A sequence without a separate prefix.
  public init(
    queries: Int64, keys: Int64, q: UnsafePointer<Float>!, k: UnsafeRawPointer!, v: UnsafeRawPointer!,
    out: UnsafeMutablePointer<Float>!, lse: UnsafeMutablePointer<Float>!
  ) {
    self.init(
      queries: queries, keys: keys, q: q, k: k, v: v, out: out, lse: lse, prefix: 0, prefix_k: nil,
      prefix_v: nil)
  }
}

extension AttentionBackwardSequence {
  /// A sequence without a separate prefix.
  public init(
    tokens: Int64, q: UnsafePointer<Float>!, k: UnsafePointer<Float>!, v: UnsafePointer<Float>!,
    out: UnsafePointer<Float>!, dout: UnsafePointer<Float>!, lse: UnsafePointer<Float>!,
    dq: UnsafeMutablePointer<Float>!, dk: UnsafeMutablePointer<Float>!, dv: UnsafeMutablePointer<Float>!
  ) {
    self.init(
      tokens: tokens, q: q, k: k, v: v, out: out, dout: dout, lse: lse, dq: dq, dk: dk, dv: dv, prefix: 0,
      prefix_k: nil, prefix_v: nil, prefix_dk: nil, prefix_dv: nil)
  }
}

/// The memory layout of keys and values.
public enum KeyValueStorage: Equatable, Sendable {
  /// In the same rows as the queries, `stride` elements from token to token.
  case rows(stride: Int)
  /// In a cache of `capacity` positions for each kv head, a multiple of 16.
  case cache(KeyValuePrecision, capacity: Int)
}

/// The precision of the keys and values in a cache.
public enum KeyValuePrecision: Sendable {
  /// Full precision: decoding gives the same bits as training.
  case float32
  /// Codes in −127…127 with a scale: a quarter of the memory and of the time to read it. Queries that read the cache
  /// are quantised too.
  case int8

  /// Number of positions in a group; a cache stores positions in groups.
  public static let group = 16

  /// Bytes of the keys, or of the values, of one group of one head.
  public func groupBytes(headDim: Int) -> Int { tk_cache_group_bytes(storage, Int64(headDim)) }

  var storage: tk_keys_storage { self == .float32 ? TK_CACHE_FLOAT32 : TK_CACHE_INT8 }
}

/// Heads, strides and scores of an attention call. Strides are in elements from token to token.
public struct AttentionShape: @unchecked Sendable {
  /// The largest supported `headDim`.
  public static let widestHead = Int(TK_WIDEST_HEAD)

  public var heads: Int
  public var kvHeads: Int
  public var headDim: Int
  public var queryStride: Int
  public var keyValues: KeyValueStorage
  public var outputStride: Int
  /// The factors by which the keys of an int8 cache were multiplied, powers of two, [kvHeads, headDim]; nil for 1.
  public var keyFactors: UnsafePointer<Float>?
  /// A query sees its own key and the `window` − 1 keys before it; 0 for all keys before it.
  public var window: Int
  /// Scores become cap·tanh(score/cap) before the softmax; 0 for no cap.
  public var cap: Float
  /// The factor of q·k in a score.
  public var scale: Float

  /// - Parameter scale: 1/√headDim if it is nil.
  public init(
    heads: Int, kvHeads: Int, headDim: Int, queryStride: Int, keyValues: KeyValueStorage,
    outputStride: Int, keyFactors: UnsafePointer<Float>? = nil, window: Int = 0, cap: Float = 0,
    scale: Float? = nil
  ) {
    precondition(headDim <= Self.widestHead, "a head of \(headDim) elements; the most is \(Self.widestHead)")
    precondition(window >= 0 && cap >= 0, "a window of \(window) keys, and a cap of \(cap); 0 is for none")
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.queryStride = queryStride
    self.keyValues = keyValues
    self.outputStride = outputStride
    self.keyFactors = keyFactors
    self.window = window
    self.cap = cap
    self.scale = scale ?? 1 / Float(headDim).squareRoot()
  }

  /// Elements from token to token; 0 for a cache, which has its own layout.
  var keyValueStride: Int {
    guard case .rows(let stride) = keyValues else { return 0 }
    return stride
  }
}

extension Compute {
  /// Causal attention over sequences of different lengths. Sequences of a call may share a prefix, which is another
  /// sequence of the call.
  public func attention(_ sequences: UnsafeBufferPointer<AttentionSequence>, _ shape: AttentionShape) {
    var (storage, capacity) = (TK_KEYS_IN_ROWS, 0)
    if case .cache(let precision, let positions) = shape.keyValues {
      (storage, capacity) = (precision.storage, positions)
    }
    pool.run(
      tk_attention,
      tk_attention_args(
        count: Int64(sequences.count), sequences: sequences.baseAddress,
        heads: Int64(shape.heads), kv_heads: Int64(shape.kvHeads), head_dim: Int64(shape.headDim),
        q_row: Int64(shape.queryStride), kv_row: Int64(shape.keyValueStride),
        out_row: Int64(shape.outputStride), storage: storage, capacity: Int64(capacity),
        key_factors: shape.keyFactors, scale: shape.scale, cap: shape.cap, window: Int64(shape.window)))
  }

  /// Stores the keys and values of new positions in caches. Each entry's k and v are rows, `stride` elements apart.
  /// - Parameter keyFactors: key factors of an int8 cache, as in `AttentionShape`.
  public func store(
    _ entries: UnsafeBufferPointer<CacheEntry>, kvHeads: Int, headDim: Int, stride: Int,
    _ precision: KeyValuePrecision, capacity: Int, keyFactors: UnsafePointer<Float>? = nil
  ) {
    pool.run(
      tk_cache_store,
      tk_cache_store_args(
        count: Int64(entries.count), entries: entries.baseAddress, kv_heads: Int64(kvHeads),
        head_dim: Int64(headDim), kv_row: Int64(stride), storage: precision.storage,
        capacity: Int64(capacity), key_factors: keyFactors))
  }

  /// Gradients of `attention`. Sequences that continue a shared prefix must follow the sequence that is the prefix. dq,
  /// dk and dv have the strides of q, k and v.
  public func attentionBackward(
    _ sequences: UnsafeBufferPointer<AttentionBackwardSequence>, _ shape: AttentionShape,
    workspace: UnsafeMutableRawPointer
  ) {
    pool.run(
      tk_attention_backward,
      tk_attention_backward_args(
        count: Int64(sequences.count), sequences: sequences.baseAddress,
        heads: Int64(shape.heads), kv_heads: Int64(shape.kvHeads), head_dim: Int64(shape.headDim),
        q_row: Int64(shape.queryStride), kv_row: Int64(shape.keyValueStride),
        out_row: Int64(shape.outputStride), dq_row: Int64(shape.queryStride),
        dkv_row: Int64(shape.keyValueStride), scale: shape.scale, cap: shape.cap, window: Int64(shape.window),
        workspace: workspace))
  }

  public func attentionBackwardWorkspaceBytes(headDim: Int, longest: Int) -> Int {
    tk_attention_backward_workspace_bytes(Int64(headDim), Int64(longest), Int32(pool.count))
  }
}
