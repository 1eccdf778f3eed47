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
    compute.normalize(weights.norm1, input, to: norm1, layer.statistics1)
    compute.apply(weights.qkv, norm1, to: qkv)
    if let rotary {
      // Queries and keys lie side by side, so that one call rotates both.
      compute.rotate(
        qkv, heads: architecture.heads + architecture.kvHeads, headDim: architecture.headDim,
        positions: batch.positions, rotary)
    }
    collectSequences(index, batch, cache)
    sequences.withUnsafeBufferPointer {
      compute.attention($0, shape(keyValueStride: cache?.width ?? architecture.qkvWidth))
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
      var k = q + queryWidth
      var v = k + architecture.keyValueWidth
      if let cache {
        cache.store(entry, layer: index, qkv: layer.qkv, queryWidth: queryWidth)
        k = cache.keys(slot: entry.slot, layer: index)
        v = cache.values(slot: entry.slot, layer: index)
      } else {
        precondition(entry.position == 0, "a sequence continued at \(entry.position) needs a cache")
      }
      sequences.append(
        AttentionSequence(
          queries: Int64(entry.count), keys: Int64(entry.position + entry.count), q: q, k: k, v: v,
          out: layer.attention.row(entry.row), lse: layer.lse + entry.row * architecture.heads))
    }
  }

  private func feedForward(_ index: Int, _ weights: TransformerWeights.Layer, _ rows: Int) {
    let layer = activations.layers[index]
    let middle = layer.middle.prefix(rows)
    let norm2 = activations.normed.prefix(rows)
    let up = layer.up.prefix(rows)
    let activated = activations.activated.prefix(rows)
    compute.normalize(weights.norm2, middle, to: norm2, layer.statistics2)
    compute.apply(weights.up, norm2, to: up)
    switch architecture.mlp {
    case .gelu: compute.gelu(up, to: activated)
    case .swiglu: compute.swiglu(up, to: activated)
    }
    compute.apply(weights.down, activated, to: layer.output.prefix(rows), addingTo: middle)
  }
}
