import Models
import Tensors

/// Log-probabilities of answers, and PPO's gradient through them.
final class PolicyPass {
  private let transformer: Transformer
  private let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>
  private let targets: UnsafeMutablePointer<Int32>
  private let logprob: UnsafeMutablePointer<Float>
  private let entropy: UnsafeMutablePointer<Float>
  private let dLogprob: UnsafeMutablePointer<Float>
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
    token.reserveCapacity(capacity)
  }

  /// Log-probability and entropy of every token of every answer.
  func logprobs(
    _ weights: TransformerWeights, _ episodes: Episodes, inverseTemperature: Float
  ) -> (logprobs: [Float], entropies: [Float]) {
    var result: (logprobs: [Float], entropies: [Float]) = ([], [])
    let starts = episodes.starts
    forEachMicroBatch(
      of: episodes.count, capacity: transformer.rows, length: episodes.sequenceLength
    ) { range in
      let headRows = load(episodes, range, starts)
      transformer.forward(weights, batch)
      transformer.logprobs(
        weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
        entropy: entropy)
      result.logprobs += UnsafeBufferPointer(start: logprob, count: headRows.count)
      result.entropies += UnsafeBufferPointer(start: entropy, count: headRows.count)
    }
    return result
  }

  /// Whether these episodes fit one pass, so that they can be held.
  func fits(_ episodes: Episodes, _ members: [Int]) -> Bool {
    members.reduce(0) { $0 + episodes.sequenceLength($1) } <= transformer.rows
  }

  /// `logprobs` of all episodes, taken in the order `members`. The activations stay: if the next thing
  /// that the transformer does is `accumulate` on the same members, it need not compute them again.
  func hold(
    _ weights: TransformerWeights, _ episodes: Episodes, _ members: [Int],
    inverseTemperature: Float
  ) -> (logprobs: [Float], entropies: [Float]) {
    let headRows = load(episodes, members, episodes.starts)
    transformer.forward(weights, batch)
    held = (members, transformer.passes)
    transformer.logprobs(
      weights, headRows, inverseTemperature: inverseTemperature, logprob: logprob,
      entropy: entropy)
    var result = (
      logprobs: [Float](repeating: 0, count: token.count),
      entropies: [Float](repeating: 0, count: token.count)
    )
    for (i, t) in token.enumerated() {
      result.logprobs[t] = logprob[i]
      result.entropies[t] = entropy[i]
    }
    return result
  }

  /// Adds the clipped policy loss of a minibatch and its gradient, in one visit to the logits.
  func accumulate(
    _ model: TrainableModel, _ episodes: Episodes, _ minibatch: [Int], inverseTemperature: Float,
    loss: inout PPOPolicyLoss
  ) {
    let starts = episodes.starts
    let isHeld = held.map { $0.members == minibatch && $0.pass == transformer.passes } ?? false
    held = nil
    forEachMicroBatch(
      of: minibatch.count, capacity: transformer.rows,
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
      transformer.backward(model.weights, batch, into: model.gradients)
    }
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
