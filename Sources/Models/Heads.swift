import Tensors

/// Scratch memory of the heads. The heads compute only the requested rows, one chunk at a time.
struct HeadScratch {
  /// Rows per chunk. Large enough that a product does not wait for reading a large unembedding from memory, small
  /// enough that the logits of the largest vocabularies stay within 48 MB.
  let chunk: Int

  let hidden: Matrix  // gathered rows [chunk, d]
  let gradient: Matrix  // their gradients [chunk, d]
  let logits: Matrix  // [chunk, V]
  /// Capped logits, which their backward pass needs [chunk, V]; nil without a cap.
  let capped: Matrix?
  let lse: UnsafeMutablePointer<Float>  // [chunk]

  init(_ a: Architecture, arena: Arena) throws {
    let matrices = a.logitCap > 0 ? 2 : 1
    chunk = min(256, max(16, 48_000_000 / (4 * a.vocabulary * matrices)))
    hidden = Matrix(try arena.floats("heads/hidden", chunk * a.dModel), chunk, a.dModel)
    gradient = Matrix(try arena.floats("heads/gradient", chunk * a.dModel), chunk, a.dModel)
    logits = Matrix(try arena.floats("heads/logits", chunk * a.vocabulary), chunk, a.vocabulary)
    capped =
      a.logitCap > 0
      ? Matrix(try arena.floats("heads/capped logits", chunk * a.vocabulary), chunk, a.vocabulary) : nil
    lse = try arena.floats("heads/lse", chunk)
  }
}

/// Positions whose next token is predicted: hidden rows, and the tokens that follow them.
public struct HeadRows: @unchecked Sendable {
  public let count: Int
  /// Rows of the batch, ascending, [count].
  public let rows: UnsafePointer<Int32>
  /// The token that follows each row, [count].
  public let targets: UnsafePointer<Int32>

  public init(count: Int, rows: UnsafePointer<Int32>, targets: UnsafePointer<Int32>) {
    self.count = count
    self.rows = rows
    self.targets = targets
  }
}

extension Transformer {
  /// Computes log-probabilities of the targets at temperature 1/`inverseTemperature`, and entropies.
  ///
  /// Logits are held for one chunk of rows at a time. `logprob` and `entropy` are [count].
  public func logprobs(
    _ weights: TransformerWeights, _ rows: HeadRows, inverseTemperature: Float = 1,
    logprob: UnsafeMutablePointer<Float>, entropy: UnsafeMutablePointer<Float>? = nil
  ) {
    forEachChunk(rows.count) { chunk in
      let logits = logits(weights, rows.rows + chunk.lowerBound, chunk.count)
      compute.logSoftmax(
        logits, inverseTemperature: inverseTemperature, targets: rows.targets + chunk.lowerBound,
        lse: headScratch.lse, logprob: logprob + chunk.lowerBound,
        entropy: entropy.map { $0 + chunk.lowerBound })
    }
  }

  /// Computes `logprobs` and its backward pass; each logit is computed once.
  ///
  /// - Parameters:
  ///   - dLogprob: ∂L/∂logprob of each row, [count].
  ///   - prepare: called with each range of rows after its log-probabilities and entropies are known and before
  ///     its `dLogprob` is read, so that a loss that depends on them can fill `dLogprob`.
  public func logprobsBackward(
    _ weights: TransformerWeights, _ rows: HeadRows, inverseTemperature: Float = 1,
    logprob: UnsafeMutablePointer<Float>, entropy: UnsafeMutablePointer<Float>? = nil,
    dLogprob: UnsafePointer<Float>, into gradients: Gradients,
    prepare: (Range<Int>) -> Void = { _ in }
  ) {
    guard let unembedding = weights.unembedding else {
      preconditionFailure("a model without an unembedding has no log-probabilities")
    }
    forEachChunk(rows.count) { chunk in
      let first = chunk.lowerBound
      let logits = logits(weights, rows.rows + first, chunk.count)
      compute.logSoftmax(
        logits, inverseTemperature: inverseTemperature, targets: rows.targets + first,
        lse: headScratch.lse, logprob: logprob + first, entropy: entropy.map { $0 + first })
      prepare(chunk)
      let capped = headScratch.capped?.prefix(chunk.count)
      capped?.copy(from: logits)
      compute.logSoftmaxBackward(
        logits, inverseTemperature: inverseTemperature, targets: rows.targets + first,
        lse: headScratch.lse, dLogprob: dLogprob + first)
      if scalesLogits {
        compute.capBackward(
          capped ?? logits, dy: logits, scale: architecture.logitScale, cap: architecture.logitCap)
      }
      let dHidden = headScratch.gradient.prefix(chunk.count)
      compute.backwardInput(unembedding, dy: logits, to: dHidden)
      compute.backwardWeight(
        unembedding, gradients.places.unembedding, dy: logits, x: headScratch.hidden.prefix(chunk.count),
        accumulate: gradients.holdsUnembedding)
      gradients.holdsUnembedding = true
      compute.scatter(dHidden, rows.rows + first, addTo: hiddenGradient.base)
    }
  }

  /// Logits of `count` hidden rows, at most one chunk.
  func logits(_ weights: TransformerWeights, _ rows: UnsafePointer<Int32>, _ count: Int) -> Matrix {
    guard let unembedding = weights.unembedding else {
      preconditionFailure("a model without an unembedding has no logits")
    }
    let gathered = headScratch.hidden.prefix(count)
    compute.gather(hidden.base, rows, to: gathered)
    let logits = headScratch.logits.prefix(count)
    observer?.multiplies(unembedding, gathered)
    compute.apply(unembedding, gathered, to: logits)
    if scalesLogits {
      compute.cap(logits, to: logits, scale: architecture.logitScale, cap: architecture.logitCap)
    }
    return logits
  }

  private var scalesLogits: Bool { architecture.logitScale != 1 || architecture.logitCap > 0 }

  /// Passes the unembedding's inputs at these rows to the observer.
  func observeHead(_ weights: TransformerWeights, _ rows: [Int32]) {
    rows.withUnsafeBufferPointer { rows in
      forEachChunk(rows.count) { _ = logits(weights, rows.baseAddress! + $0.lowerBound, $0.count) }
    }
  }

  /// Computes the scalar head at `count` rows of the batch: scores [count].
  public func scores(
    _ head: ScalarHead, rows: UnsafePointer<Int32>, count: Int,
    to scores: UnsafeMutablePointer<Float>
  ) {
    forEachChunk(count) { chunk in
      let gathered = headScratch.hidden.prefix(chunk.count)
      compute.gather(hidden.base, rows + chunk.lowerBound, to: gathered)
      compute.rowDot(
        gathered, head.weight, bias: head.bias[0],
        to: scores + chunk.lowerBound)
    }
  }

  /// Copies the scalar head's input at `count` rows of the batch: features [count, d].
  public func features(
    rows: UnsafePointer<Int32>, count: Int, to features: UnsafeMutablePointer<Float>
  ) {
    compute.gather(hidden.base, rows, to: Matrix(features, count, architecture.dModel))
  }

  /// The backward pass of `scores` from ∂L/∂score [count]. Rows must be ascending.
  public func scoresBackward(
    _ head: ScalarHead, rows: UnsafePointer<Int32>, count: Int,
    dScores: UnsafePointer<Float>, into gradients: Gradients
  ) {
    let bias = gradients.parameters.headBias
    for i in 0..<count { bias[0] += dScores[i] }
    forEachChunk(count) { chunk in
      let gathered = headScratch.hidden.prefix(chunk.count)
      let dHidden = headScratch.gradient.prefix(chunk.count)
      compute.gather(hidden.base, rows + chunk.lowerBound, to: gathered)
      dHidden.fillZero()
      compute.rowDotBackward(
        gathered, head.weight, dy: dScores + chunk.lowerBound, addTo: dHidden,
        dw: gradients.parameters.headWeight)
      compute.scatter(dHidden, rows + chunk.lowerBound, addTo: hiddenGradient.base)
    }
  }

  private func forEachChunk(_ count: Int, _ body: (Range<Int>) -> Void) {
    for first in stride(from: 0, to: count, by: headScratch.chunk) {
      body(first..<min(first + headScratch.chunk, count))
    }
  }
}
