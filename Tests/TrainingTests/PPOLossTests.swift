import Statistics
import Testing

@testable import Training

/// The committed minibatch of PPO.
private struct Minibatch {
  let golden: Golden
  let new, old, advantages, weights, newValues, values, returns: [Float]

  init() throws {
    golden = try Golden.load("training")["ppo"]
    new = try golden["new_logprobs"].floats
    old = try golden["logprobs"].floats
    advantages = try golden["advantages_whitened"].floats
    weights = try golden["importance"]["weights"].floats
    newValues = try golden["new_values"].floats
    values = try golden["values"].floats
    returns = try golden["returns"].floats
  }

  /// The policy loss and gradients of `tokens`, added to `loss`.
  func policy(_ loss: inout PPOPolicyLoss, _ tokens: Range<Int>) -> [Float] {
    tokens.map {
      loss.add(
        logprob: new[$0], oldLogprob: old[$0], advantage: advantages[$0], weight: weights[$0])
    }
  }
}

@Test("the policy loss, its gradient and its metrics agree with autograd on a padded batch")
func policyGolden() throws {
  let batch = try Minibatch()
  let golden = batch.golden
  var loss = PPOPolicyLoss(
    clipRange: try golden["clip_range"].number, tokens: batch.new.count)
  let gradient = batch.policy(&loss, batch.new.indices)
  expectClose(gradient, try golden["d_logprobs"].doubles, 1e-8)
  expectClose(loss.loss, try golden["policy_loss"].number, 1e-12)
  expectClose(loss.sums.meanLoss, loss.loss, 0)
  expectClose(loss.sums.approximateKL, try golden["approxkl"].number, 1e-12)
  expectClose(loss.sums.clipFraction, try golden["clipfrac"].number, 1e-12)
  expectClose(loss.sums.ratioMean, try golden["ratio"].number, 1e-12)
  expectClose(loss.sums.ratioVariance, try golden["ratio_var"].number, 1e-12)
  #expect(loss.sums.clipFraction > 0 && loss.sums.clipFraction < 1)
}

@Test("the value loss, its gradient and its clip fraction agree with autograd")
func valueGolden() throws {
  let batch = try Minibatch()
  let golden = batch.golden
  var loss = PPOValueLoss(
    clipRange: try golden["value_clip_range"].number,
    coefficient: try golden["value_coefficient"].number, tokens: batch.values.count)
  let gradient = batch.values.indices.map {
    loss.add(value: batch.newValues[$0], oldValue: batch.values[$0], target: batch.returns[$0])
  }
  expectClose(gradient, try golden["d_values"].doubles, 1e-8)
  expectClose(loss.loss, try golden["value_loss"].number, 1e-12)
  expectClose(loss.sums.clipFraction, try golden["value_clipfrac"].number, 1e-12)
  #expect(loss.sums.clipFraction > 0 && loss.sums.clipFraction < 1)
  let explained = try #require(
    SampleStatistics.explainedVariance(values: batch.values, returns: batch.returns))
  expectClose(explained, try golden["explained_variance"].number, 1e-6)
}

@Test("the importance weights and their figures agree with the reference")
func importanceGolden() throws {
  let batch = try Minibatch()
  let golden = try batch.golden["importance"]
  var weights = ImportanceWeights(cap: try batch.golden["weight_cap"].number)
  let ours = weights.add(float32: batch.old, sampled: try batch.golden["sampled"].floats)
  expectClose(ours, try golden["weights"].doubles, 1e-7)
  expectClose(weights.mean, try golden["mean"].number, 1e-12)
  expectClose(weights.maximum, try golden["max"].number, 1e-12)
  expectClose(weights.clippedFraction, try golden["clipped"].number, 1e-12)
  expectClose(weights.k3, try golden["k3"].number, 1e-12)
  #expect(weights.variance > 0 && weights.clippedFraction > 0)
}

@Test("before the first update every ratio is exactly 1, and so is the weight of a float32 rollout")
func untouchedPolicy() throws {
  let batch = try Minibatch()
  var loss = PPOPolicyLoss(tokens: batch.old.count)
  var weights = ImportanceWeights()
  for t in batch.old.indices {
    let weight = weights.add(float32: batch.old[t], sampled: batch.old[t])
    #expect(weight == 1)
    _ = loss.add(
      logprob: batch.old[t], oldLogprob: batch.old[t], advantage: batch.advantages[t],
      weight: weight)
  }
  #expect(loss.sums.ratioMean == 1 && loss.sums.largestRatio == 1)
  #expect(loss.sums.ratioVariance == 0 && loss.sums.approximateKL == 0)
  #expect(loss.sums.clipFraction == 0)
  #expect(weights.mean == 1 && weights.maximum == 1 && weights.variance == 0 && weights.k3 == 0)
}

@Test("a minibatch gives the same bits in any micro-batches")
func microBatches() throws {
  let batch = try Minibatch()
  let count = batch.new.count
  var whole = PPOPolicyLoss(tokens: count)
  let gradient = batch.policy(&whole, 0..<count)
  for size in [1, 3, 7, 39] {
    var split = PPOPolicyLoss(tokens: count)
    var parts: [Float] = []
    for start in stride(from: 0, to: count, by: size) {
      parts += batch.policy(&split, start..<min(count, start + size))
    }
    #expect(parts == gradient)
    #expect(split.sums == whole.sums)
    #expect(split.loss.bitPattern == whole.loss.bitPattern)
  }
}

@Test("the clip stops only what would go further: its four cases")
func clipCases() {
  func gradient(ratioAbove: Bool, advantage: Float) -> Float {
    var loss = PPOPolicyLoss(clipRange: 0.2, tokens: 1)
    return loss.add(logprob: ratioAbove ? -1 : -3, oldLogprob: -2, advantage: advantage)
  }
  #expect(gradient(ratioAbove: true, advantage: 1) == 0)
  #expect(gradient(ratioAbove: false, advantage: -1) == 0)
  #expect(abs(gradient(ratioAbove: true, advantage: -1) - 2.7182817) < 1e-6)
  #expect(abs(gradient(ratioAbove: false, advantage: 1) + 0.36787945) < 1e-7)
}

@Test("sums of two minibatches are those of their union")
func unionOfSums() throws {
  let batch = try Minibatch()
  var whole = PPOPolicyLoss(tokens: 40)
  _ = batch.policy(&whole, 0..<40)
  var first = PPOPolicyLoss(tokens: 16)
  _ = batch.policy(&first, 0..<16)
  var second = PPOPolicyLoss(tokens: 24)
  _ = batch.policy(&second, 16..<40)
  var sums = first.sums
  sums += second.sums
  #expect(sums.count == 40 && sums.largestRatio == whole.sums.largestRatio)
  let (ours, expected) = (sums.metrics, whole.sums.metrics)
  #expect(Set(ours.keys) == Set(expected.keys))
  for (metric, value) in expected { #expect(abs(ours[metric]! - value) < 1e-12, "\(metric.name)") }
}
