import Models
import Statistics
import Support
import Tensors
import TestSupport
import Testing

@testable import Training

/// A policy, its reference, a value and a reward model, and a sampler.
private struct PPOLab {
  let lab: TinyLab
  let trainer: PPOTrainer
  let reference: ParameterSet
  let reward: ParameterSet
  let generator: Generator
  let twin: QuantizedWeights
  var sampling = SamplingOptions()

  /// - Parameters:
  ///   - scale: of the policy's matrices; 1 samples almost uniformly.
  ///   - train: teaches the reward model; the value model starts from what it becomes.
  init(
    _ options: PPOOptions, threads: Int = 1, rows: Int = 1024, scale: Float = 8,
    sharesGradients: Bool = true,
    train: (TinyLab, ParameterSet) throws -> RewardNormalization = { _, _ in
      .init(gain: 2, bias: 1)
    }
  ) throws {
    lab = try TinyLab(threads: threads, rows: rows)
    let base = try lab.parameters(seed: 1, scale: scale)
    let policy =
      options.valueModel == .shared
      ? try base.addingScalarHead(name: "value head", arena: lab.arena) : base
    reference = try lab.parameters(seed: 1, scale: scale)
    reward = try lab.parameters(scalarHead: true, seed: 2, scale: scale)
    let normalization = try train(lab, reward)
    let learner = try lab.model(policy)
    trainer = try PPOTrainer(
      policy: learner,
      values: options.valueModel == .shared
        ? .sharedTrunk
        : .separate(try Self.valueModel(lab, reward, sharingGradientsOf: sharesGradients ? learner : nil)),
      reference: reference,
      reward: reward, normalization: normalization, options: options, pretrainingTokens: 256,
      training: lab.training, inference: lab.inference, arena: lab.arena)
    generator = try Generator(
      transformer: lab.inference, slots: 64, capacity: 32, keyValues: .float32, arena: lab.arena)
    twin = try QuantizedWeights(reference.layout, arena: lab.arena)
    sampling.temperature = options.temperature
    sampling.maxNewTokens = 12
    sampling.endTokens = [0]
  }

  /// A copy of the reward model.
  private static func valueModel(
    _ lab: TinyLab, _ reward: ParameterSet, sharingGradientsOf policy: TrainableModel?
  ) throws -> TrainableModel {
    let value = try lab.parameters(scalarHead: true, seed: 2)
    value.copy(from: reward)
    return try policy.map {
      try TrainableModel(
        value, options: .init(), sharingGradientsOf: $0, name: "value", arena: lab.arena)
    } ?? lab.model(value)
  }

  /// Fresh samples of the policy as it is.
  func rollout(_ count: Int, iteration: Int = 0, int8: Bool = false) throws -> Episodes {
    let requests = (0..<count).map {
      Generator.Request(
        prompt: tokens(1 + $0 % 3, stream: UInt64(count * iteration + $0)),
        stream: UInt64(count * iteration + $0))
    }
    let policy = trainer.policy
    let weights =
      int8 ? twin.update(from: policy.parameters, compute: lab.compute) : policy.weights
    let samples = try generator.run(
      requests, weights: weights, options: sampling, seed: 6, purpose: "rollout")
    return Episodes(prompts: requests.map(\.prompt), samples: samples)
  }

  func learn(_ episodes: Episodes, iteration: Int = 0, learningRate: Double = 1e-2) throws
    -> [Metric: Double]
  {
    var random = RandomStream(seed: 6, purpose: "minibatches", index: UInt64(iteration))
    return try trainer.learn(from: episodes, learningRate: learningRate, random: &random) {
      (0..<4).map { TrainingSequence(tokens: tokens(20 + $0, stream: 400 + UInt64($0))) }
    }
  }

  var bits: [UInt32] {
    trainer.policy.bits + trainer.value.bits + (trainer.average?.bits ?? [])
  }
}

private func options(_ change: (inout PPOOptions) -> Void = { _ in }) -> PPOOptions {
  var options = PPOOptions()
  change(&options)
  return options
}

@Suite("PPO is exact")
struct PPOExactnessTests {
  @Test(
    "two iterations give the same bytes for any threads, passes and instruction set",
    arguments: ValueModel.allCases)
  func trajectory(valueModel: ValueModel) throws {
    let (reference, others) = try trajectories(longest: 27) { threads, rows in
      let ppo = try PPOLab(
        options {
          $0.valueModel = valueModel
          $0.pretrainingCoefficient = 0.5
          $0.averageDecay = 0.9
          $0.epochs = 2
          $0.adaptiveKL = .init()
        }, threads: threads, rows: rows)
      let before = ppo.bits
      var metrics: [[Metric: Double]] = []
      for iteration in 0..<2 {
        let episodes = try ppo.rollout(14, iteration: iteration, int8: iteration == 1)
        metrics.append(try ppo.learn(episodes, iteration: iteration))
      }
      #expect(ppo.bits != before)
      return (metrics, ppo.bits)
    }
    #expect(reference.0[1]["ptx/loss"]! > 0 && reference.0[1]["objective/kl"]! != 0)
    #expect(reference.0[1]["loss/value_avg"]! > 0 && reference.0[1]["val/value_avg"]! != 0)
    for (name, result) in others {
      #expect(result.0 == reference.0 && result.1 == reference.1, "\(name)")
    }
  }

  @Test(
    "before the first update KL is exactly 0 and every ratio and weight exactly 1",
    arguments: [Float(1), 0.7], ValueModel.allCases)
  func firstUpdate(temperature: Float, valueModel: ValueModel) throws {
    let ppo = try PPOLab(
      options {
        $0.temperature = temperature
        $0.valueModel = valueModel
        $0.miniBatches = 1
      })
    var episodes = try ppo.rollout(40)
    let rollout = ppo.trainer.assess(&episodes)
    #expect(episodes.logprobs.count > 100 && episodes.logprobs.allSatisfy { $0 < 0 })
    #expect(bits(episodes.logprobs) == bits(episodes.reference))
    #expect(bits(episodes.logprobs) == bits(episodes.sampled))
    #expect(episodes.weights.allSatisfy { $0 == 1 })
    #expect(rollout["rollout/is_mean"] == 1 && rollout["rollout/is_var"] == 0)
    #expect(rollout["rollout/k3"] == 0 && rollout["rollout/clipped_frac"] == 0)

    let first = try ppo.learn(try ppo.rollout(40))
    for name in [
      "objective/kl", "objective/kl_k3", "objective/non_score_reward", "policy/approxkl_avg",
      "policy/clipfrac_avg", "val/ratio_var", "val/clipfrac_avg", "policy/skipped_updates",
    ] {
      #expect(first[Metric(name)] == 0, "\(name)")
    }
    #expect(first["val/ratio"] == 1 && first["policy/ratio_max"] == 1)
    let second = try ppo.learn(try ppo.rollout(40, iteration: 1), iteration: 1)
    #expect(second["objective/kl"] != 0 && second["objective/kl_k3"]! > 0)
    #expect(second["val/ratio"] == 1 && second["rollout/is_var"] == 0)
  }

  @Test("after the first of several minibatches the ratios leave 1")
  func laterMinibatches() throws {
    let ppo = try PPOLab(options { $0.miniBatches = 4 })
    let metrics = try ppo.learn(try ppo.rollout(40))
    #expect(metrics["val/ratio_var"]! > 0 && metrics["policy/approxkl_avg"]! > 0)
    #expect(ppo.trainer.policy.optimizer.step == 4 && ppo.trainer.value.optimizer.step == 4)
  }

  @Test("int8 rollouts differ from float32, and the objective does not notice")
  func int8() throws {
    for corrects in [true, false] {
      let ppo = try PPOLab(options { $0.correctsRollouts = corrects })
      var episodes = try ppo.rollout(40, int8: true)
      let rollout = ppo.trainer.assess(&episodes)
      #expect(rollout["rollout/is_var"]! > 0 && rollout["rollout/k3"]! > 0)
      #expect(abs(rollout["rollout/is_mean"]! - 1) < 0.2)
      #expect(bits(episodes.logprobs) == bits(episodes.reference))
      #expect((Set(episodes.weights).count > 1) == corrects)
      #expect(episodes.weights.allSatisfy { $0 > 0 && $0 <= 2 })
    }
  }

  @Test("figures of int8 answers have twins with importance weights, which float32 answers do not need")
  func weightedTwins() throws {
    for int8 in [false, true] {
      let ppo = try PPOLab(options())
      _ = try ppo.learn(try ppo.rollout(40))
      var episodes = try ppo.rollout(40, iteration: 1, int8: int8)
      _ = ppo.trainer.assess(&episodes)
      let figures = ppo.trainer.estimateAdvantages(&episodes)
      for name in ["kl", "scores"] {
        let plain = try #require(figures[Metric("objective/\(name)")])
        let weighted = try #require(figures[Metric("objective/\(name)_weighted")])
        #expect((abs(plain - weighted) > 1e-9) == int8, "\(name): \(plain), \(weighted)")
        #expect(abs(plain - weighted) < 1, "\(name): \(plain), \(weighted)")
      }
    }
    // Two answers, the first half as likely in float32 as in int8, the second beyond the cap.
    let weights = ImportanceWeights.ofAnswers(
      float32: [-2, -1.6931472, 0], sampled: [-1.5, -1.5, -3], lengths: [2, 1], cap: 2)
    #expect(abs(weights[0] - 0.5) < 1e-6 && weights[1] == 2)
  }

  @Test("a reward model without a scale gets one by answers that are at hand, which then score 0 and deviate by 1")
  func scale() throws {
    let ppo = try PPOLab(options())
    var episodes = try ppo.rollout(20)
    try ppo.trainer.normalize(by: episodes)
    _ = ppo.trainer.assess(&episodes)
    let (mean, variance) = SampleStatistics.moments(episodes.scores)
    #expect(abs(mean) < 1e-4 && abs(variance - 1) < 1e-4)
    let before = ppo.trainer.normalization
    var one = Episodes()
    one.prompts = [episodes.prompts[0]]
    one.responses = [episodes.responses[0]]
    #expect(throws: Failure.self) { try ppo.trainer.normalize(by: one) }
    #expect(ppo.trainer.normalization == before)
  }

  @Test("scores are normalised, and values come one a token from the value model")
  func assessment() throws {
    let ppo = try PPOLab(options())
    var episodes = try ppo.rollout(20)
    _ = ppo.trainer.assess(&episodes)
    let pass = try SequencePass(ppo.lab.inference, arena: ppo.lab.arena)
    let reward = SequencePass.Model(weights: TransformerWeights(ppo.reward), head: ppo.reward.scalarHead)
    for index in 0..<20 {
      let sequence = episodes.sequence(index)
      let raw = pass.scores(reward, [sequence])[0]
      #expect(episodes.scores[index] == 2 * raw + 1)
      // The value model is a copy of the reward model here: its value where the last token is
      // predicted is the score of the sequence without that token.
      let before = pass.scores(reward, [Array(sequence.dropLast())])[0]
      #expect(episodes.values[episodes.starts[index] + episodes.lengths[index] - 1] == before)
    }
    #expect(episodes.values.count == episodes.sampled.count)
  }

  @Test("an update whose mean ratio is out of bounds is skipped, counted, and at last refused")
  func explosion() throws {
    let ppo = try PPOLab(
      options {
        $0.largestMeanRatio = 1
        $0.skipsBeforeStopping = 3
      })
    let before = ppo.trainer.policy.bits
    let episodes = try ppo.rollout(12)
    #expect(try ppo.learn(episodes)["policy/skipped_updates"] == 4)
    #expect(try ppo.learn(episodes)["policy/skipped_updates"] == 8)
    let error = #expect(throws: Failure.self) { try ppo.learn(episodes) }
    #expect(error?.kind == .failed)
    #expect(ppo.trainer.policy.bits == before)
  }

  @Test("so is one whose approximate KL explodes while its mean ratio is 1")
  func explosionOfKL() throws {
    let ppo = try PPOLab(
      options {
        $0.miniBatches = 2
        $0.largestKL = 1e-9
        $0.skipsBeforeStopping = 2
      })
    let episodes = try ppo.rollout(12)
    // The first update's KL is exactly 0, the second's is not.
    #expect(try ppo.learn(episodes)["policy/skipped_updates"] == 1)
    #expect(ppo.trainer.policy.optimizer.step == 1 && ppo.trainer.value.optimizer.step == 2)
    let error = #expect(throws: Failure.self) { try ppo.learn(episodes) }
    #expect(error?.what.contains("approximate KL reached 1e-09 nats per token") == true, "\(error!)")
    #expect(error?.what.contains("in 2 consecutive iterations") == true, "\(error!)")
  }

  @Test("a gradient that is not finite within an iteration names model, tensor and step")
  func lateGradients() throws {
    for model in ["model", "value"] {
      let ppo = try PPOLab(options { $0.pretrainingCoefficient = 0.5 })
      let episodes = try ppo.rollout(12)
      var random = RandomStream(seed: 6, purpose: "minibatches")
      var updates = 0
      let error = #expect(throws: Failure.self) {
        try ppo.trainer.learn(from: episodes, learningRate: 1e-2, random: &random) {
          updates += 1
          if updates == 3 && model == "model" {
            ppo.trainer.policy.gradients.parameters.values("layers.1.mlp.down.weight")![7] = .nan
          } else if updates == 3 {
            ppo.trainer.value.parameters.headBias[0] = .infinity
          }
          return [TrainingSequence(tokens: tokens(20, stream: 400))]
        }
      }
      #expect(error?.place == "\(model), optimizer step 3", "\(error!)")
      let tensor = model == "model" ? "layers.1.mlp.down.weight[7]" : "the gradient of "
      #expect(error?.what.contains(tensor) == true, "\(error!)")
      #expect(ppo.trainer.skippedUpdates == 0)
    }
  }

  @Test(
    "with one minibatch in one pass the first update's pass is also that of the old policy",
    arguments: zip(ValueModel.allCases, [9, 6]))
  func heldPass(valueModel: ValueModel, expected: Int) throws {
    func run(rows: Int) throws -> (metrics: [[Metric: Double]], bits: [UInt32], passes: Int) {
      let ppo = try PPOLab(
        options {
          $0.valueModel = valueModel
          $0.miniBatches = 1
          $0.epochs = 2
          $0.temperature = 0.7
          $0.pretrainingCoefficient = 0.5
        }, rows: rows)
      var metrics: [[Metric: Double]] = []
      var passes = 0
      for iteration in 0..<2 {
        let episodes = try ppo.rollout(14, iteration: iteration)
        let before = ppo.lab.training.passes + ppo.lab.inference.passes
        metrics.append(try ppo.learn(episodes, iteration: iteration))
        passes += ppo.lab.training.passes + ppo.lab.inference.passes - before
      }
      return (metrics, ppo.bits, passes)
    }
    let (held, again) = (try run(rows: 1024), try run(rows: 100))
    #expect(held.metrics == again.metrics && held.bits == again.bits)
    // Old policy's, reference's, value's and reward's, then in each epoch policy, mix and value:
    // ten, less the one that serves twice. Where values come with the policy's pass, three fewer.
    #expect(held.passes == 2 * expected)
  }

  @Test("a value head that weighs nothing leaves the policy as a value model does that says 0")
  func idleValueHead() throws {
    let results = try ValueModel.allCases.map { valueModel in
      let ppo = try PPOLab(
        options {
          $0.valueModel = valueModel
          $0.valueCoefficient = 0
          $0.pretrainingCoefficient = 0.5
          $0.epochs = 2
        })
      let value = ppo.trainer.value.parameters
      value.headWeight.update(repeating: 0, count: TinyLab.architecture.dModel)
      value.headBias[0] = 0
      var metrics = try ppo.learn(try ppo.rollout(14))
      metrics["value/gradient_norm"] = nil
      #expect(metrics["val/value_avg"] == 0 && metrics["policy/gradient_norm"]! > 0)
      return (metrics: metrics, bits: ppo.trainer.policy.parameters.languageModel.bits)
    }
    #expect(results[0].metrics == results[1].metrics && results[0].bits == results[1].bits)
  }

  @Test("one step of one optimizer takes policy and value of a shared trunk, or neither")
  func oneStep() throws {
    for largestRatio in [4.0, 1.0] {
      let ppo = try PPOLab(
        options {
          $0.valueModel = .shared
          $0.largestMeanRatio = largestRatio
        })
      let (head, trunk) = (ppo.trainer.policy.parameters, ppo.reference)
      let metrics = try ppo.learn(try ppo.rollout(40), learningRate: 1e-3)
      let isTaken = largestRatio > 1
      #expect(metrics["policy/skipped_updates"] == (isTaken ? 0 : 4))
      #expect(ppo.trainer.policy.optimizer.step == (isTaken ? 4 : 0))
      #expect((head.headBias[0] != 0 && head.headWeight[3] != 0) == isTaken)
      #expect((head.languageModel.bits != trunk.bits) == isTaken)
      #expect(metrics["loss/value_avg"]! > 0 && metrics["value/gradient_norm"] == nil)
    }
  }

  @Test("policy and value whose gradients share memory learn as two that do not")
  func sharedGradients() throws {
    let results = try [true, false].map { shares in
      let ppo = try PPOLab(
        options {
          $0.pretrainingCoefficient = 0.5
          $0.epochs = 2
        }, sharesGradients: shares)
      return (metrics: try ppo.learn(try ppo.rollout(14)), bits: ppo.bits)
    }
    #expect(results[0].metrics == results[1].metrics && results[0].bits == results[1].bits)
  }

  @Test("a restart does not forget how often in a row updates were skipped")
  func explosionAcrossRestart() throws {
    let strict = options {
      $0.largestMeanRatio = 1
      $0.skipsBeforeStopping = 3
    }
    let before = try PPOLab(strict)
    let episodes = try before.rollout(12)
    for _ in 0..<2 { _ = try before.learn(episodes) }
    let after = try PPOLab(strict)
    after.trainer.restore(
      coefficient: before.trainer.controller.coefficient,
      skipped: before.trainer.skippedUpdates, inARow: before.trainer.skipsInARow)
    #expect(throws: Failure.self) { try after.learn(episodes) }
  }

  @Test("the average is that of the policies after each update, each of which weighs less by the decay")
  func average() throws {
    let ppo = try PPOLab(
      options {
        $0.averageDecay = 0.75
        $0.miniBatches = 1
      })
    let average = try #require(ppo.trainer.average)
    #expect(average.bits == ppo.reference.bits)
    var policies: [[Float]] = []
    for _ in 0..<3 {
      _ = try ppo.learn(try ppo.rollout(12))
      policies.append(ppo.trainer.policy.parameters.bits.map { Float(bitPattern: $0) })
      if policies.count == 1 { #expect(average.bits == ppo.trainer.policy.parameters.bits) }
    }
    let sum: Float = 1 + 0.75 + 0.75 * 0.75
    var moved = 0
    for (i, bits) in average.bits.enumerated() {
      let expected = (0.5625 * policies[0][i] + 0.75 * policies[1][i] + policies[2][i]) / sum
      #expect(abs(Float(bitPattern: bits) - expected) <= 1e-6)
      moved += policies[0][i] == policies[2][i] ? 0 : 1
    }
    #expect(moved > 1000)
  }

  @Test("an average begins with the first policy, and of decay 1 all weigh the same")
  func averageKept() {
    #expect(MovingAverage.kept(0.98, at: 1) == 0 && MovingAverage.kept(0, at: 5) == 0)
    #expect(MovingAverage.kept(1, at: 1) == 0 && MovingAverage.kept(1, at: 4) == 0.75)
    #expect(abs(MovingAverage.kept(0.98, at: 10_000) - 0.98) < 1e-12)
  }

  @Test("a parameter that is not a number stops the iteration and nothing is touched")
  func notANumber() throws {
    let ppo = try PPOLab(options { $0.averageDecay = 0.9 })
    let episodes = try ppo.rollout(12)
    for (model, parameters) in [
      ("the policy's", ppo.trainer.policy.parameters),
      ("the value model's", ppo.trainer.value.parameters),
      ("the reference policy's", ppo.reference), ("the reward model's", ppo.reward),
    ] {
      let value = try #require(parameters.values("layers.0.mlp.gate_up.weight"))
      let saved = value[5]
      value[5] = .nan
      let before = ppo.bits
      let error = #expect(throws: Failure.self) { try ppo.learn(episodes) }
      #expect(error?.kind == .failed && ppo.bits == before)
      #expect(error?.what.hasPrefix(model) == true, "\(error!)")
      #expect(error?.what.contains("layers.0.mlp.gate_up.weight[5] = nan") == true, "\(error!)")
      #expect(ppo.trainer.skippedUpdates == 0)
      value[5] = saved
    }
    #expect(try ppo.learn(episodes)["val/ratio"]!.isFinite)
  }
}

@Suite("PPO learns what the reward model prefers")
struct PPOLearningTests {
  /// Teaches `reward` to prefer answers by `merit`, on answers of a uniform policy.
  private func teach(
    _ lab: TinyLab, _ reward: ParameterSet, merit: ([Int32]) -> Int
  ) throws -> RewardNormalization {
    let model = try lab.model(reward)
    let trainer = try RewardTrainer(lab.training, arena: lab.arena)
    func rankings(_ step: Int) -> [RankedSequences] {
      (0..<16).map { index in
        let stream = UInt64(16 * step + index)
        var random = RandomStream(seed: 8, purpose: "answers", index: stream)
        let prompt = tokens(1 + index % 3, stream: stream)
        let answers = (0..<4).map { _ in
          var answer: [Int32] = []
          repeat {
            answer.append(Int32(random.below(20)))
          } while answer.last != 0 && answer.count < 12
          return answer
        }
        let merits = answers.map(merit)
        return RankedSequences(
          sequences: answers.map { prompt + $0 },
          ranks: merits.map { one in 1 + merits.filter { $0 > one }.count })
      }
    }
    for step in 0..<150 { _ = try trainer.step(model, rankings(step), learningRate: 3e-3) }
    let held = (1000..<1010).flatMap(rankings)
    #expect(trainer.evaluate(.init(weights: model.weights, head: reward.scalarHead), held).accuracy > 0.9)
    let scores = trainer.pass.scores(.init(weights: model.weights, head: reward.scalarHead), held.flatMap(\.sequences))
    return try .measure(demonstrations: scores, samples: scores)
  }

  private func run(_ ppo: PPOLab, iterations: Int) throws -> Episodes {
    for iteration in 0..<iterations {
      _ = try ppo.learn(
        try ppo.rollout(96, iteration: iteration), iteration: iteration, learningRate: 3e-3)
    }
    return try ppo.rollout(200, iteration: 1000)
  }

  @Test("a model whose only reward is a token's presence learns it")
  func token() throws {
    let wanted: Int32 = 7
    let ppo = try PPOLab(options(), rows: 2048, scale: 1) { lab, reward in
      try teach(lab, reward) { $0.contains(wanted) ? 1 : 0 }
    }
    func share(_ episodes: Episodes) -> Double {
      Double(episodes.responses.filter { $0.contains(wanted) }.count) / Double(episodes.count)
    }
    let before = share(try ppo.rollout(200, iteration: 1000))
    #expect(before < 0.5)
    let after = share(try run(ppo, iterations: 30))
    #expect(after > 0.8, "\(before) before, \(after) after")
  }

  @Test("a model whose only reward is length gets longer")
  func length() throws {
    let ppo = try PPOLab(options { $0.missingEnd = .keep }, rows: 2048, scale: 1) { lab, reward in
      try teach(lab, reward) { $0.count }
    }
    func mean(_ episodes: Episodes) -> Double {
      Double(episodes.lengths.reduce(0, +)) / Double(episodes.count)
    }
    let before = mean(try ppo.rollout(200, iteration: 1000))
    #expect(before < 10)
    let after = mean(try run(ppo, iterations: 30))
    #expect(after > 11.5, "\(before) before, \(after) after")
  }
}
