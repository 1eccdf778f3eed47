import Models
import Tensors

/// Log-probabilities of answers, values where the policy has a head for them, and PPO's gradient through
/// both.
final class PolicyPass {
  /// What a policy says of every token of every answer.
  struct Reading {
    var logprobs: [Float] = []
    var entropies: [Float] = []
    /// Empty for a policy without a scalar head.
    var values: [Float] = []
  }

  private let transformer: Transformer
  private let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>
  private let targets: UnsafeMutablePointer<Int32>
  private let logprob: UnsafeMutablePointer<Float>
  private let entropy: UnsafeMutablePointer<Float>
  private let dLogprob: UnsafeMutablePointer<Float>
  private let value: UnsafeMutablePointer<Float>
  private let dValue: UnsafeMutablePointer<Float>
  /// Where each row of the pass stands in the episodes' per-token arrays.
  private var token: [Int] = []
  /// Episodes whose activations lie in the transformer, and its pass that left them.
  private var held: (members: [Int], pass: Int)?

  init(_ transformer: Transformer, arena: Arena) throws {
    self.transformer = transformer
    let capacity = transformer.rows
    batch = try TokenBatch(capacity: capacity, name: "policy batch", arena: arena)
    rows = try arena.allocate("policy rows", capacity, of: Int32.self)
    targets = try arena.allocate("policy targets", capacity, of: Int32.self)
    logprob = try arena.floats("policy log-probabilities", capacity)
    entropy = try arena.floats("policy entropies", capacity)
    dLogprob = try arena.floats("policy gradients", capacity)
    value = try arena.floats("policy values", capacity)
    dValue = try arena.floats("policy value gradients", capacity)
    token.reserveCapacity(capacity)
  }

  /// Log-probability and entropy of every token of every answer; its value, too, with a scalar head.
  func read(
    _ weights: TransformerWeights, valueHead: ParameterSet? = nil, _ episodes: Episodes,
    inverseTemperature: Float
  ) -> Reading {
    var result = Reading()
    let starts = episodes.starts
    forEachMicroBatch(
      of: episodes.count, capacity: transformer.rows, as: "reading answers", length: episodes.sequenceLength
    ) { range in
      let headRows = load(episodes, range, starts)
      transformer.forward(weights, batch)
      transformer.logprobs(
        weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
        entropy: entropy)
      result.logprobs += UnsafeBufferPointer(start: logprob, count: headRows.count)
      result.entropies += UnsafeBufferPointer(start: entropy, count: headRows.count)
      if let valueHead {
        transformer.scores(valueHead, rows: rows, count: headRows.count, to: value)
        result.values += UnsafeBufferPointer(start: value, count: headRows.count)
      }
    }
    return result
  }

  /// Whether these episodes fit one pass, so that they can be held.
  func fits(_ episodes: Episodes, _ members: [Int]) -> Bool {
    members.reduce(0) { $0 + episodes.sequenceLength($1) } <= transformer.rows
  }

  /// `read` of all episodes, taken in the order `members`. The activations stay: if the next thing
  /// that the transformer does is `accumulate` on the same members, it need not compute them again.
  func hold(
    _ weights: TransformerWeights, valueHead: ParameterSet? = nil, _ episodes: Episodes,
    _ members: [Int], inverseTemperature: Float
  ) -> Reading {
    let headRows = load(episodes, members, episodes.starts)
    transformer.forward(weights, batch)
    held = (members, transformer.passes)
    transformer.logprobs(
      weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
      entropy: entropy)
    if let valueHead {
      transformer.scores(valueHead, rows: rows, count: headRows.count, to: value)
    }
    func inOrder(_ values: UnsafeMutablePointer<Float>) -> [Float] {
      var ordered = [Float](repeating: 0, count: token.count)
      for (i, t) in token.enumerated() { ordered[t] = values[i] }
      return ordered
    }
    return Reading(
      logprobs: inOrder(logprob), entropies: inOrder(entropy),
      values: valueHead == nil ? [] : inOrder(value))
  }

  /// Adds the clipped policy loss of a minibatch and its gradient, in one visit to the logits.
  ///
  /// - Parameter valueLoss: nil for a policy without a scalar head; else its gradient goes into the same
  ///   trunk in the same backward pass.
  func accumulate(
    _ model: TrainableModel, _ episodes: Episodes, _ minibatch: [Int], inverseTemperature: Float,
    loss: inout PPOPolicyLoss, valueLoss: inout PPOValueLoss?
  ) {
    let starts = episodes.starts
    let isHeld = held.map { $0.members == minibatch && $0.pass == transformer.passes } ?? false
    held = nil
    forEachMicroBatch(
      of: minibatch.count, capacity: transformer.rows, as: "learning",
      length: { episodes.sequenceLength(minibatch[$0]) }
    ) { range in
      let headRows: HeadRows
      if isHeld {
        headRows = HeadRows(count: token.count, rows: rows, targets: targets)
      } else {
        headRows = load(episodes, minibatch[range], starts)
        transformer.forward(model.weights, batch)
      }
      transformer.beginBackward(batch)
      transformer.logprobsBackward(
        model.weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
        entropy: entropy, dLogprob: dLogprob, into: model.gradients
      ) { chunk in
        for i in chunk {
          let t = token[i]
          dLogprob[i] = loss.add(
            logprob: logprob[i], oldLogprob: episodes.logprobs[t],
            advantage: episodes.advantages[t], weight: episodes.weights[t], entropy: entropy[i])
        }
      }
      if valueLoss != nil { accumulateValues(model, episodes, &valueLoss!) }
      transformer.backward(model.weights, batch, into: model.gradients)
    }
  }

  /// Of the pass that is loaded, from its hidden states to their gradients.
  private func accumulateValues(
    _ model: TrainableModel, _ episodes: Episodes, _ loss: inout PPOValueLoss
  ) {
    transformer.scores(model.parameters, rows: rows, count: token.count, to: value)
    for (i, t) in token.enumerated() {
      dValue[i] = loss.add(
        value: value[i], oldValue: episodes.values[t], target: episodes.returns[t])
    }
    transformer.scoresBackward(
      model.parameters, rows: rows, count: token.count, dScores: dValue, into: model.gradients)
  }

  private func load(_ episodes: Episodes, _ members: some Collection<Int>, _ starts: [Int])
    -> HeadRows
  {
    batch.removeAll()
    token.removeAll(keepingCapacity: true)
    for member in members {
      let first = batch.rows
      batch.append(episodes.prompts[member], episodes.responses[member])
      for (offset, row) in episodes.rows(member).enumerated() {
        rows[token.count] = Int32(first + row)
        targets[token.count] = episodes.responses[member][offset]
        token.append(starts[member] + offset)
      }
    }
    return HeadRows(count: token.count, rows: rows, targets: targets)
  }
}
