import Tensors

/// Gradients of the activations of one layer; all layers share these buffers.
struct GradientScratch {
  let hidden: Matrix  // ∂L/∂hidden [T, d]
  let stream: Matrix  // ∂L/∂residual stream [T, d]
  let norm: Matrix  // [T, d]
  let product: Matrix?  // before a norm on a sub-layer's output [T, d]; nil without such norms
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
    product = a.normPlacement == .before ? nil : try matrix("product", a.dModel)
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
    if architecture.embeddingScale != 1, gradients.learnsEmbeddings {
      compute.scaleAdd(stream, scale: architecture.embeddingScale, to: stream)
    }
    gradients.keep(stream, batch)
  }

  private func feedForwardBackward(
    _ index: Int, _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    rows: Int, adds: Bool
  ) {
    let layer = activations.layers[index]
    let stream = scratch.stream.prefix(rows)
    let output = outputGradient(
      stream, site: 2 * index + 1, weights.outputNorm2, gradient.outputNorm2, layer.output2)
    let activated = activations.activated.prefix(rows)
    let up = layer.up.prefix(rows)
    compute.backwardInput(weights.down, dy: output, to: activated)
    // In place: `up` is replaced by its gradient, and `activated`, which holds its gradient, by its value.
    compute.activateBackward(
      up, dy: activated, architecture.mlp.activation, gated: architecture.mlp.isGated)
    compute.backwardWeight(weights.down, gradient.down, dy: output, x: activated, accumulate: adds)
    let input = (architecture.parallelResidual ? layer.input : layer.middle).prefix(rows)
    let operand = operandBackward(
      weights.up, dy: up, weights.norm2, gradient.norm2, x: input, layer.statistics2, addTo: stream)
    compute.backwardWeight(weights.up, gradient.up, dy: up, x: operand, accumulate: adds)
  }

  /// The gradient of a sub-layer's product, from the gradient of the residual stream: back through `residualScale`,
  /// dropout, and the norm on the output if there is one.
  private func outputGradient(
    _ stream: Matrix, site: Int, _ norm: Norm?, _ normGradient: Norm?, _ kept: Activations.NormedOutput?
  ) -> Matrix {
    var gradient = stream
    let scratchRows = scratch.norm.prefix(stream.rows)
    if let dropout {
      compute.drop(stream, dropout, site: site, to: scratchRows)
      gradient = scratchRows
    }
    if architecture.residualScale != 1 {
      compute.scaleAdd(gradient, scale: architecture.residualScale, to: scratchRows)
      gradient = scratchRows
    }
    guard let norm, let kept, let product = scratch.product?.prefix(stream.rows) else { return gradient }
    product.fillZero()
    compute.normalizeBackward(
      norm, gradient: normGradient, dy: gradient, x: kept.product.prefix(stream.rows), kept.statistics, addTo: product)
    return product
  }

  /// The backward pass of a sub-layer's first projection and of the norm on its input: adds ∂L/∂x to the gradient of
  /// the residual stream, and returns the projection's input, which its weight gradient needs.
  private func operandBackward(
    _ linear: Linear, dy: Matrix, _ norm: Norm?, _ normGradient: Norm?, x: Matrix, _ statistics: NormStatistics,
    addTo stream: Matrix
  ) -> Matrix {
    let dx = scratch.norm.prefix(x.rows)
    compute.backwardInput(linear, dy: dy, to: dx)
    guard let norm else {
      compute.scaleAdd(dx, scale: 1, addingTo: stream, to: stream)
      return x
    }
    let normed = activations.normed.prefix(x.rows)
    compute.normalizeBackward(norm, gradient: normGradient, dy: dx, x: x, statistics, addTo: stream, y: normed)
    return normed
  }

  /// The backward pass of the attention's output projection.
  private func projectBackward(
    _ index: Int, _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    rows: Int, adds: Bool
  ) {
    let layer = activations.layers[index]
    let output = outputGradient(
      scratch.stream.prefix(rows), site: 2 * index, weights.outputNorm1, gradient.outputNorm1, layer.output1)
    compute.backwardInput(weights.output, dy: output, to: scratch.attention.prefix(rows))
    compute.backwardWeight(
      weights.output, gradient.output, dy: output, x: layer.attention.prefix(rows), accumulate: adds)
  }

  /// The backward pass from the heads' outputs to the layer's input.
  private func attendBackward(
    _ index: Int, _ weights: TransformerWeights.Layer, into gradient: TransformerGradients.Layer,
    _ batch: TokenBatch, adds: Bool
  ) {
    let layer = activations.layers[index]
    let stream = scratch.stream.prefix(batch.rows)
    let qkv = scratch.qkv.prefix(batch.rows)
    collectBackwardSequences(layer, batch)
    backwardSequences.withUnsafeBufferPointer {
      compute.attentionBackward(
        $0, shape(of: index, .rows(stride: architecture.qkvWidth)), workspace: scratch.attentionWorkspace)
    }
    if let rotary = rotary(of: index) {
      compute.rotate(
        qkv, heads: architecture.heads + architecture.kvHeads, headDim: architecture.headDim,
        positions: batch.positions, rotary, inverse: true)
    }
    normalizeHeadsBackward(weights, into: gradient, layer, dQKV: qkv)
    let operand = operandBackward(
      weights.qkv, dy: qkv, weights.norm1, gradient.norm1, x: layer.input.prefix(batch.rows), layer.statistics1,
      addTo: stream)
    compute.backwardWeight(weights.qkv, gradient.qkv, dy: qkv, x: operand, accumulate: adds)
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
