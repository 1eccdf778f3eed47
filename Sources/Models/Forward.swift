import Tensors

extension Transformer {
  /// From tokens to the final norm's output.
  ///
  ///     x ← embedding(token) + embedding(position)
  ///     per layer: x ← x + Wo·attention(norm1(x));  x ← x + Wdown·act(Wup·norm2(x))
  ///     hidden ← final_norm(x)
  ///
  /// With a cache, entries stand at their `position` and see the cached keys before it.
  ///
  /// - Parameter lastTokensOnly: `hidden` is then [entries, d], of each entry's last token; the last
  ///   layer computes no more than that, but for keys and values. Not for training.
  public func forward(
    _ weights: TransformerWeights, _ batch: TokenBatch, cache: KVCache? = nil,
    lastTokensOnly: Bool = false
  ) {
    precondition(!(lastTokensOnly && isTraining), "a backward pass needs every row")
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
    var rows = batch.rows
    for index in weights.layers.indices {
      let narrows = lastTokensOnly && index == architecture.layers - 1
      if narrows { rows = batch.entries.count }
      attend(index, weights.layers[index], batch, cache, lastTokensOnly: narrows)
      feedForward(index, weights.layers[index], rows)
    }
    compute.normalize(
      weights.finalNorm, activations.layers[architecture.layers - 1].output.prefix(rows),
      to: hidden.prefix(rows), activations.finalStatistics)
  }

  private func attend(
    _ index: Int, _ weights: TransformerWeights.Layer, _ batch: TokenBatch, _ cache: KVCache?,
    lastTokensOnly: Bool
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
    // What begins here needs no cache to see itself: prompts read their keys as they were computed.
    let past = batch.entries.contains { $0.position > 0 } ? cache : nil
    precondition(
      past?.precision != .int8 || batch.entries.allSatisfy { $0.position > 0 },
      "a prompt must not depend on its company")
    collectSequences(index, batch, past, lastTokensOnly: lastTokensOnly)
    sequences.withUnsafeBufferPointer {
      compute.attention($0, shape(past?.storage ?? .rows(stride: architecture.qkvWidth)))
    }
    var (residual, rows) = (input, batch.rows)
    if lastTokensOnly {
      rows = batch.entries.count
      // By way of another matrix: the middle of a pass that keeps no layers is its input.
      residual = layer.middle.prefix(rows)
      let gathered = activations.normed.prefix(rows)
      compute.gather(input.base, batch.lastRows, to: gathered)
      residual.copy(from: gathered)
    }
    compute.apply(
      weights.output, layer.attention.prefix(rows), to: layer.middle.prefix(rows),
      addingTo: residual)
  }

  private func collectSequences(
    _ index: Int, _ batch: TokenBatch, _ cache: KVCache?, lastTokensOnly: Bool
  ) {
    let layer = activations.layers[index]
    let queryWidth = architecture.queryWidth
    sequences.removeAll(keepingCapacity: true)
    for (number, entry) in batch.entries.enumerated() {
      let row = layer.qkv.row(entry.row)
      let first = lastTokensOnly ? entry.count - 1 : 0  // the first that asks
      var k = UnsafeRawPointer(row + queryWidth)
      var v = UnsafeRawPointer(row + queryWidth + architecture.keyValueWidth)
      if let cache {
        k = UnsafeRawPointer(cache.keys(slot: entry.slot, layer: index))
        v = UnsafeRawPointer(cache.values(slot: entry.slot, layer: index))
      } else {
        precondition(entry.position == 0, "a sequence continued at \(entry.position) needs a cache")
      }
      sequences.append(
        AttentionSequence(
          queries: Int64(entry.count - first), keys: Int64(entry.position + entry.count),
          q: layer.qkv.row(entry.row + first), k: k, v: v,
          out: layer.attention.row(lastTokensOnly ? number : entry.row),
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
