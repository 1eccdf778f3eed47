import Tensors

extension Transformer {
  /// From tokens to the final norm's output.
  ///
  ///     x ← embedding(token) + embedding(position)
  ///     per layer: x ← x + Wo·attention(norm1(x));  x ← x + Wdown·act(Wup·norm2(x))
  ///     hidden ← final_norm(x)
  ///
  /// With a cache, entries stand at their `position` and see the cached keys before it.
  public func forward(
    _ weights: TransformerWeights, _ batch: TokenBatch, cache: KVCache? = nil
  ) {
    precondition(weights.architecture == architecture, "weights of another architecture")
    precondition(batch.rows <= rows, "\(batch.rows) tokens in a pass of \(rows)")
    guard batch.rows > 0 else { return }
    passes += 1
    for entry in batch.entries {
      precondition(
        entry.position + entry.count <= architecture.context,
        "\(entry.position + entry.count) tokens in a context of \(architecture.context)")
    }
    let stream = activations.layers[0].input.prefix(batch.rows)
    compute.gather(weights.tokenEmbedding, batch.ids, to: stream)
    if let table = weights.positionEmbedding {
      compute.gather(table, batch.positions, to: stream, accumulate: true)
    }
    for index in weights.layers.indices {
      attend(index, weights.layers[index], batch, cache)
      feedForward(index, weights.layers[index], batch.rows)
    }
    compute.normalize(
      weights.finalNorm, activations.layers[architecture.layers - 1].output.prefix(batch.rows),
      to: hidden.prefix(batch.rows), activations.finalStatistics)
  }

  private func attend(
    _ index: Int, _ weights: TransformerWeights.Layer, _ batch: TokenBatch, _ cache: KVCache?
  ) {
    let layer = activations.layers[index]
    let input = layer.input.prefix(batch.rows)
    let norm1 = activations.normed.prefix(batch.rows)
    let qkv = layer.qkv.prefix(batch.rows)
    let operand = compute.normalize(
      weights.norm1, input, to: norm1, layer.statistics1, for: weights.qkv)
    compute.apply(weights.qkv, operand, to: qkv)
    if let rotary {
      // Queries and keys lie side by side, so that one call rotates both.
      compute.rotate(
        qkv, heads: architecture.heads + architecture.kvHeads, headDim: architecture.headDim,
        positions: batch.positions, rotary)
    }
    cache?.store(
      batch, layer: index, qkv: qkv, queryWidth: architecture.queryWidth, compute: compute)
    collectSequences(index, batch, cache)
    sequences.withUnsafeBufferPointer {
      compute.attention($0, shape(cache?.storage ?? .rows(stride: architecture.qkvWidth)))
    }
    compute.apply(
      weights.output, layer.attention.prefix(batch.rows), to: layer.middle.prefix(batch.rows),
      addingTo: input)
  }

  private func collectSequences(_ index: Int, _ batch: TokenBatch, _ cache: KVCache?) {
    let layer = activations.layers[index]
    let queryWidth = architecture.queryWidth
    sequences.removeAll(keepingCapacity: true)
    for entry in batch.entries {
      let q = layer.qkv.row(entry.row)
      var k = UnsafeRawPointer(q + queryWidth)
      var v = UnsafeRawPointer(q + queryWidth + architecture.keyValueWidth)
      if let cache {
        k = UnsafeRawPointer(cache.keys(slot: entry.slot, layer: index))
        v = UnsafeRawPointer(cache.values(slot: entry.slot, layer: index))
      } else {
        precondition(entry.position == 0, "a sequence continued at \(entry.position) needs a cache")
      }
      sequences.append(
        AttentionSequence(
          queries: Int64(entry.count), keys: Int64(entry.position + entry.count), q: q, k: k, v: v,
          out: layer.attention.row(entry.row),
          lse: isTraining ? layer.lse + entry.row * architecture.heads : nil))
    }
  }

  private func feedForward(_ index: Int, _ weights: TransformerWeights.Layer, _ rows: Int) {
    let layer = activations.layers[index]
    let middle = layer.middle.prefix(rows)
    let norm2 = activations.normed.prefix(rows)
    let up = layer.up.prefix(rows)
    let activated = activations.activated.prefix(rows)
    let operand = compute.normalize(
      weights.norm2, middle, to: norm2, layer.statistics2, for: weights.up)
    compute.apply(weights.up, operand, to: up)
    let product =
      switch architecture.mlp {
      case .gelu: compute.gelu(up, to: activated, for: weights.down)
      case .swiglu: compute.swiglu(up, to: activated, for: weights.down)
      }
    compute.apply(weights.down, product, to: layer.output.prefix(rows), addingTo: middle)
  }
}
