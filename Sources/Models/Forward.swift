import Tensors

extension Transformer {
  /// Computes the final norm's output from tokens.
  ///
  ///     x ← embeddingScale·(embedding(token) + embedding(position))
  ///     per layer: x ← x + add(Wo·attention(norm1(x)));  x ← x + add(Wdown·act(Wup·norm2(x)))
  ///     if parallelResidual: x ← x + add(Wo·attention(norm1(x))) + add(Wdown·act(Wup·norm2(x)))
  ///     hidden ← final_norm(x)
  ///
  /// with add(z) = residualScale·output_norm(z); a norm that the architecture does not have is left out.
  ///
  /// With a cache, an entry begins at its `position` and attends to the cached keys before it. Without a cache, it
  /// attends to the keys of its `prefix` entry.
  ///
  /// - Parameter lastTokensOnly: if true, `hidden` is [entries, d] and has the last token of each entry only. The last
  ///   layer then computes only these rows, and keys and values of all rows. Not for training.
  public func forward(
    _ weights: TransformerWeights, _ batch: TokenBatch, cache: KVCache? = nil,
    lastTokensOnly: Bool = false
  ) {
    precondition(!(lastTokensOnly && isTraining), "a backward pass needs every row")
    precondition(weights.architecture == architecture, "weights of another architecture")
    precondition(batch.rows <= rows, "\(batch.rows) tokens do not fit a pass of \(rows)")
    guard batch.rows > 0 else { return }
    passes += 1
    for entry in batch.entries {
      precondition(
        entry.position + entry.count <= architecture.context,
        "\(entry.position + entry.count) tokens do not fit a context of \(architecture.context)")
    }
    let stream = activations.layers[0].input.prefix(batch.rows)
    compute.gather(weights.tokenEmbedding, batch.ids, to: stream)
    if let table = weights.positionEmbedding {
      compute.gather(table, batch.positions, to: stream, accumulate: true)
    }
    if architecture.embeddingScale != 1 {
      compute.scaleAdd(stream, scale: architecture.embeddingScale, to: stream)
    }
    var rows = batch.rows
    for index in weights.layers.indices {
      let narrows = lastTokensOnly && index == architecture.layers - 1
      if narrows { rows = batch.entries.count }
      let (layer, layerWeights) = (activations.layers[index], weights.layers[index])
      attend(index, layerWeights, batch, cache: cache, lastTokensOnly: narrows)
      let residual = narrows ? lastRows(of: layer, batch) : layer.input.prefix(rows)
      let (attention, middle) = (layer.attention.prefix(rows), layer.middle.prefix(rows))
      let output = layer.output.prefix(rows)
      if architecture.parallelResidual {
        // The MLP comes first: its input and the sums may share memory.
        let product = expand(layer, layerWeights, residual)
        add(layerWeights.down, product, nil, to: middle, addingTo: residual, site: 2 * index + 1)
        add(layerWeights.output, Operand(attention), nil, to: output, addingTo: middle, site: 2 * index)
      } else {
        add(
          layerWeights.output, Operand(attention), OutputNorm(layerWeights.outputNorm1, layer.output1), to: middle,
          addingTo: residual, site: 2 * index)
        let product = expand(layer, layerWeights, middle)
        add(
          layerWeights.down, product, OutputNorm(layerWeights.outputNorm2, layer.output2), to: output,
          addingTo: middle, site: 2 * index + 1)
      }
    }
    compute.normalize(
      weights.finalNorm, activations.layers[architecture.layers - 1].output.prefix(rows),
      to: hidden.prefix(rows), activations.finalStatistics)
  }

  /// y = x·Wᵀ + b, plus `addend` if given.
  private func apply(_ linear: Linear, _ x: Operand, to y: Matrix, addingTo addend: Matrix? = nil) {
    observer?.multiplies(linear, x.matrix)
    compute.apply(linear, x, to: y, addingTo: addend)
  }

  /// y = residual + residualScale·dropout(norm(x·Wᵀ + b)), with the dropout mask of this site. The norm is optional.
  private func add(
    _ linear: Linear, _ x: Operand, _ norm: OutputNorm?, to y: Matrix, addingTo residual: Matrix, site: Int
  ) {
    let scale = architecture.residualScale
    guard dropout != nil || norm != nil || scale != 1 else {
      return apply(linear, x, to: y, addingTo: residual)
    }
    let sum = activations.normed.prefix(y.rows)
    if let norm {
      let product = norm.activations.product.prefix(y.rows)
      apply(linear, x, to: product)
      compute.normalize(norm.norm, product, to: sum, norm.activations.statistics)
    } else {
      apply(linear, x, to: sum)
    }
    guard let dropout else { return compute.scaleAdd(sum, scale: scale, addingTo: residual, to: y) }
    if scale != 1 { compute.scaleAdd(sum, scale: scale, to: sum) }
    compute.drop(sum, dropout, site: site, addingTo: residual, to: y)
  }

  /// A norm on a sub-layer's output, and where its input is kept.
  private struct OutputNorm {
    let norm: Norm
    let activations: Activations.NormedOutput

    init?(_ norm: Norm?, _ activations: Activations.NormedOutput?) {
      guard let norm, let activations else { return nil }
      self.norm = norm
      self.activations = activations
    }
  }

  /// norm(x) as the operand of a projection; x itself without a norm.
  private func normalize(
    _ norm: Norm?, _ x: Matrix, _ statistics: NormStatistics, for linear: Linear
  ) -> Operand {
    guard let norm else { return Operand(x) }
    return compute.normalize(norm, x, to: activations.normed.prefix(x.rows), statistics, for: linear)
  }

  private func attend(
    _ index: Int, _ weights: TransformerWeights.Layer, _ batch: TokenBatch, cache: KVCache?,
    lastTokensOnly: Bool
  ) {
    let layer = activations.layers[index]
    let input = layer.input.prefix(batch.rows)
    let qkv = layer.qkv.prefix(batch.rows)
    apply(weights.qkv, normalize(weights.norm1, input, layer.statistics1, for: weights.qkv), to: qkv)
    normalizeHeads(weights, layer, qkv)
    if let rotary = rotary(of: index) {
      // Queries and keys are adjacent, so one call rotates both.
      compute.rotate(
        qkv, heads: architecture.heads + architecture.kvHeads, headDim: architecture.headDim,
        positions: batch.positions, rotary)
    }
    observer?.attends(index, qkv)
    cache?.store(
      batch, layer: index, qkv: qkv, queryWidth: architecture.queryWidth, keyFactors: weights.keyFactors,
      compute: compute)
    // Sequences that begin in this batch do not need the cache: prompts read their keys as they were computed. With an
    // int8 cache, all entries read the cache if one does; a prompt's result must not depend on the other entries.
    let past = batch.entries.contains { $0.position > 0 && $0.prefix == nil } ? cache : nil
    precondition(
      cache == nil || batch.entries.allSatisfy { $0.prefix == nil }, "a cache does not support shared prefixes")
    precondition(
      past?.precision != .int8 || batch.entries.allSatisfy { $0.position > 0 },
      "with an int8 cache, prompts and continued sequences need separate batches")
    collectSequences(index, batch, past, lastTokensOnly: lastTokensOnly)
    sequences.withUnsafeBufferPointer {
      compute.attention(
        $0,
        shape(of: index, past?.storage ?? .rows(stride: architecture.qkvWidth), keyFactors: weights.keyFactors))
    }
  }

  private func normalizeHeads(
    _ weights: TransformerWeights.Layer, _ layer: Activations.Layer, _ qkv: Matrix
  ) {
    guard let queryNorm = weights.queryNorm, let keyNorm = weights.keyNorm else { return }
    let (queries, keys) = (architecture.queryWidth, architecture.keyValueWidth)
    let normed = qkv.columns(from: 0, count: queries + keys)
    let kept = layer.heads?.input.prefix(qkv.rows)
    kept?.copy(from: normed)
    let input = kept ?? normed
    compute.normalize(
      queryNorm, input.columns(from: 0, count: queries), to: normed.columns(from: 0, count: queries),
      rstd: layer.heads?.queryRstd)
    compute.normalize(
      keyNorm, input.columns(from: queries, count: keys), to: normed.columns(from: queries, count: keys),
      rstd: layer.heads?.keyRstd)
  }

  /// Copies the last row of each entry from the layer's `input` to the first rows of `middle`. It copies through
  /// another matrix, because `middle` is `input` in a pass that does not keep the layers.
  private func lastRows(of layer: Activations.Layer, _ batch: TokenBatch) -> Matrix {
    let gathered = activations.normed.prefix(batch.entries.count)
    compute.gather(layer.input.base, batch.lastRows, to: gathered)
    let rows = layer.middle.prefix(batch.entries.count)
    rows.copy(from: gathered)
    return rows
  }

  private func collectSequences(
    _ index: Int, _ batch: TokenBatch, _ cache: KVCache?, lastTokensOnly: Bool
  ) {
    let layer = activations.layers[index]
    let queryWidth = architecture.queryWidth
    sequences.removeAll(keepingCapacity: true)
    for (number, entry) in batch.entries.enumerated() {
      let row = layer.qkv.row(entry.row)
      let first = lastTokensOnly ? entry.count - 1 : 0  // first row with a query
      var k = UnsafeRawPointer(row + queryWidth)
      var v = UnsafeRawPointer(row + queryWidth + architecture.keyValueWidth)
      if let cache {
        k = UnsafeRawPointer(cache.keys(slot: entry.slot, layer: index))
        v = UnsafeRawPointer(cache.values(slot: entry.slot, layer: index))
      } else {
        precondition(
          entry.position == 0 || entry.prefix != nil,
          "a sequence continued at position \(entry.position) needs a cache or a prefix entry")
      }
      let before = entry.prefix.map { UnsafeRawPointer(layer.qkv.row(batch.entries[$0].row) + queryWidth) }
      sequences.append(
        AttentionSequence(
          queries: Int64(entry.count - first), keys: Int64(entry.position + entry.count),
          q: layer.qkv.row(entry.row + first), k: k, v: v,
          out: layer.attention.row(lastTokensOnly ? number : entry.row),
          lse: isTraining ? layer.lse + entry.row * architecture.heads : nil,
          prefix: before == nil ? 0 : Int64(entry.position), prefix_k: before,
          prefix_v: before.map { $0 + 4 * architecture.keyValueWidth }))
    }
  }

  /// act(Wup·norm2(x)); already quantised if the down projection is int8.
  private func expand(
    _ layer: Activations.Layer, _ weights: TransformerWeights.Layer, _ x: Matrix
  ) -> Operand {
    let up = layer.up.prefix(x.rows)
    let activated = activations.activated.prefix(x.rows)
    apply(weights.up, normalize(weights.norm2, x, layer.statistics2, for: weights.up), to: up)
    return compute.activate(
      up, to: activated, architecture.mlp.activation, gated: architecture.mlp.isGated, for: weights.down)
  }
}
