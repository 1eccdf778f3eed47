import CKernels

public typealias AttentionSequence = tk_attention_sequence
public typealias AttentionBackwardSequence = tk_attention_backward_sequence

/// Heads and strides of an attention call; strides in elements between tokens.
public struct AttentionShape: Sendable {
  /// The most elements that a head may have.
  public static let widestHead = Int(TK_WIDEST_HEAD)

  public var heads: Int
  public var kvHeads: Int
  public var headDim: Int
  public var queryStride: Int
  public var keyValueStride: Int
  public var outputStride: Int

  public init(
    heads: Int, kvHeads: Int, headDim: Int, queryStride: Int, keyValueStride: Int,
    outputStride: Int
  ) {
    precondition(headDim <= Self.widestHead, "a head of \(headDim), \(Self.widestHead) at most")
    self.heads = heads
    self.kvHeads = kvHeads
    self.headDim = headDim
    self.queryStride = queryStride
    self.keyValueStride = keyValueStride
    self.outputStride = outputStride
  }

  var scale: Float { 1 / Float(headDim).squareRoot() }
}

extension Compute {
  /// Causal attention over ragged sequences; scores scaled by 1/√headDim.
  public func attention(_ sequences: UnsafeBufferPointer<AttentionSequence>, _ shape: AttentionShape) {
    pool.run(
      tk_attention,
      tk_attention_args(
        count: Int64(sequences.count), sequences: sequences.baseAddress,
        heads: Int64(shape.heads), kv_heads: Int64(shape.kvHeads), head_dim: Int64(shape.headDim),
        q_row: Int64(shape.queryStride), kv_row: Int64(shape.keyValueStride),
        out_row: Int64(shape.outputStride), scale: shape.scale))
  }

  /// Gradients of `attention` over whole sequences; dq, dk, dv have q's, k's and v's strides.
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
        dkv_row: Int64(shape.keyValueStride), scale: shape.scale, workspace: workspace))
  }

  public func attentionBackwardWorkspaceBytes(longest: Int) -> Int {
    tk_attention_backward_workspace_bytes(Int64(longest), Int32(pool.count))
  }
}
