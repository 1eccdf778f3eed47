import Tensors

/// Gradients of the activations of one layer; all layers share these buffers.
struct GradientScratch {
  let hidden: Matrix  // ∂L/∂hidden [T, d]
  let stream: Matrix  // ∂L/∂residual stream [T, d]
  let norm: Matrix  // [T, d]
  let qkv: Matrix
  let attention: Matrix
  let attentionWorkspace: UnsafeMutableRawPointer

  init(_ a: Architecture, rows: Int, compute: Compute, arena: Arena) throws {
    func matrix(_ name: String, _ columns: Int) throws -> Matrix {
      Matrix(try arena.floats("activation gradients/\(name)", rows * columns), rows, columns)
    }
    hidden = try matrix("hidden", a.dModel)
    stream = try matrix("stream", a.dModel)
    norm = try matrix("norm", a.dModel)
    qkv = try matrix("qkv", a.qkvWidth)
    attention = try matrix("attention", a.queryWidth)
    attentionWorkspace = try arena.allocate(
      "activation gradients/attention workspace",
      bytes: compute.attentionBackwardWorkspaceBytes(headDim: a.headDim, longest: min(rows, a.context)))
  }
}

extension Transformer {
  private var scratch: GradientScratch {
    guard let gradientScratch else { preconditionFailure("this transformer was created without training: true") }
    return gradientScratch
  }

  /// ∂L/∂hidden of the latest pass; the heads add to it.
  var hiddenGradient: Matrix { scratch.hidden }

  /// Clears ∂L/∂hidden before the heads' backward passes.
  public func beginBackward(_ batch: TokenBatch) {
    scratch.hidden.prefix(batch.rows).fillZero()
  }

  /// Propagates ∂L/∂hidden back to every parameter that learns, and adds to `gradients`. Parameters that do not learn
  /// cost nothing, and the pass ends at the lowest layer that learns.
  ///
  /// Call it after `forward` with the same weights and batch. `gradients.finish` ends the step.
  public func backward(_ weights: TransformerWeights, _ batch: TokenBatch, into gradients: Gradients) {
    guard batch.rows > 0 else { return }
    let stream = scratch.stream.prefix(batch.rows)
    stream.fillZero()
    compute.normalizeBackward(
      weights.finalNorm, gradient: gradients.places.finalNorm,
      dy: scratch.hidden.prefix(batch.rows),
      x: activations.layers[architecture.layers - 1].output.prefix(batch.rows),
      activations.finalStatistics, addTo: stream)
    for index in weights.layers.indices.reversed() where index >= gradients.places.lowestLayer {
      let gradient = gradients.places.layers[index]
      let (layer, adds) = (weights.layers[index], gradients.holdsProjections)
      if architecture.parallelResidual {
        // Both sub-layers read the gradient of the sum before either adds to it.
        projectBackward(index, layer, into: gradient, rows: batch.rows, adds: adds)
        feedForwardBackward(index, layer, into: gradient, rows: batch.rows, adds: adds)
      } else {
        feedForwardBackward(index, layer, into: gradient, rows: batch.rows, adds: adds)
        projectBackward(index, layer, into: gradient, rows: batch.rows, adds: adds)
      }
      attendBackward(index, layer, into: gradient, batch, adds: adds)
    }
    gradients.holdsProjections = true
    gradients.keep(stream, batch)
  }

  private func feedForwardBackward(
    _ index: Int, _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    rows: Int, adds: Bool
  ) {
    let layer = activations.layers[index]
    let stream = scratch.stream.prefix(rows)
    let output = dropped(stream, site: 2 * index + 1)
    let activated = activations.activated.prefix(rows)
    let up = layer.up.prefix(rows)
    let norm = scratch.norm.prefix(rows)
    let norm2 = activations.normed.prefix(rows)
    compute.backwardInput(weights.down, dy: output, to: activated)
    // In place: `up` is replaced by its gradient, and `activated`, which holds its gradient, by its value.
    compute.activateBackward(
      up, dy: activated, architecture.mlp.activation, gated: architecture.mlp.isGated)
    compute.backwardWeight(weights.down, gradient.down, dy: output, x: activated, accumulate: adds)
    compute.backwardInput(weights.up, dy: up, to: norm)
    compute.normalizeBackward(
      weights.norm2, gradient: gradient.norm2, dy: norm,
      x: (architecture.parallelResidual ? layer.input : layer.middle).prefix(rows),
      layer.statistics2, addTo: stream, y: norm2)
    compute.backwardWeight(weights.up, gradient.up, dy: up, x: norm2, accumulate: adds)
  }

  /// The gradient of a sub-layer's output before dropout, from the gradient of the residual stream.
  private func dropped(_ stream: Matrix, site: Int) -> Matrix {
    guard let dropout else { return stream }
    let gradient = scratch.norm.prefix(stream.rows)
    compute.drop(stream, dropout, site: site, to: gradient)
    return gradient
  }

  /// The backward pass of the attention's output projection.
  private func projectBackward(
    _ index: Int, _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    rows: Int, adds: Bool
  ) {
    let output = dropped(scratch.stream.prefix(rows), site: 2 * index)
    compute.backwardInput(weights.output, dy: output, to: scratch.attention.prefix(rows))
    compute.backwardWeight(
      weights.output, gradient.output, dy: output, x: activations.layers[index].attention.prefix(rows),
      accumulate: adds)
  }

  /// The backward pass from the heads' outputs to the layer's input.
  private func attendBackward(
    _ index: Int, _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    _ batch: TokenBatch, adds: Bool
  ) {
    let layer = activations.layers[index]
    let stream = scratch.stream.prefix(batch.rows)
    let qkv = scratch.qkv.prefix(batch.rows)
    let norm = scratch.norm.prefix(batch.rows)
    let norm1 = activations.normed.prefix(batch.rows)
    collectBackwardSequences(layer, batch)
    backwardSequences.withUnsafeBufferPointer {
      compute.attentionBackward(
        $0, shape(.rows(stride: architecture.qkvWidth)), workspace: scratch.attentionWorkspace)
    }
    if let rotary {
      compute.rotate(
        qkv, heads: architecture.heads + architecture.kvHeads, headDim: architecture.headDim,
        positions: batch.positions, rotary, inverse: true)
    }
    normalizeHeadsBackward(weights, into: gradient, layer, dQKV: qkv)
    compute.backwardInput(weights.qkv, dy: qkv, to: norm)
    compute.normalizeBackward(
      weights.norm1, gradient: gradient.norm1, dy: norm, x: layer.input.prefix(batch.rows),
      layer.statistics1, addTo: stream, y: norm1)
    compute.backwardWeight(weights.qkv, gradient.qkv, dy: qkv, x: norm1, accumulate: adds)
  }

  private func normalizeHeadsBackward(
    _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    _ layer: Activations.Layer, dQKV: Matrix
  ) {
    guard let queryNorm = weights.queryNorm, let keyNorm = weights.keyNorm, let kept = layer.heads
    else { return }
    let (queries, keys) = (architecture.queryWidth, architecture.keyValueWidth)
    let input = kept.input.prefix(dQKV.rows)
    compute.normalizeBackward(
      queryNorm, gradient: gradient.queryNorm, dy: dQKV.columns(from: 0, count: queries),
      x: input.columns(from: 0, count: queries), rstd: kept.queryRstd)
    compute.normalizeBackward(
      keyNorm, gradient: gradient.keyNorm, dy: dQKV.columns(from: queries, count: keys),
      x: input.columns(from: queries, count: keys), rstd: kept.keyRstd)
  }

  private func collectBackwardSequences(_ layer: Activations.Layer, _ batch: TokenBatch) {
    let queryWidth = architecture.queryWidth
    let keyValueWidth = architecture.keyValueWidth
    backwardSequences.removeAll(keepingCapacity: true)
    for entry in batch.entries {
      let q = layer.qkv.row(entry.row)
      let dq = scratch.qkv.row(entry.row)
      let before = entry.prefix.map { batch.entries[$0].row }
      let prefix = before.map { layer.qkv.row($0) + queryWidth }
      let dPrefix = before.map { scratch.qkv.row($0) + queryWidth }
      backwardSequences.append(
        AttentionBackwardSequence(
          tokens: Int64(entry.count), q: q, k: q + queryWidth, v: q + queryWidth + keyValueWidth,
          out: layer.attention.row(entry.row), dout: scratch.attention.row(entry.row),
          lse: layer.lse + entry.row * architecture.heads, dq: dq, dk: dq + queryWidth,
          dv: dq + queryWidth + keyValueWidth, prefix: before == nil ? 0 : Int64(entry.position),
          prefix_k: prefix, prefix_v: prefix.map { $0 + keyValueWidth }, prefix_dk: dPrefix,
          prefix_dv: dPrefix.map { $0 + keyValueWidth }))
    }
  }
}
