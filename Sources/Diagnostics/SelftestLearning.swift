import Models
import Stages
import Support
import Training

/// Checks that PPO learns what a reward model prefers, with a tiny policy that is almost uniform at first and a reward
/// model that is trained on rankings by one simple criterion.
struct SelftestLearning {
  private static let architecture = Architecture.gpt2(
    layers: 2, dModel: 32, heads: 4, vocabulary: 20, context: 32)
  private static let longestAnswer = 12
  private static let end: Int32 = 0
  private static let wanted: Int32 = 7

  let threads: Int

  func run(_ show: (Selftest.Check) throws -> Void) throws {
    try show(
      check("a model whose only reward is length gets longer", unit: "tokens an answer", by: 1.15) {
        $0.count
      })
    try show(
      check("a model whose only reward is a token's presence learns it", unit: "of it an answer", by: 1.6) {
        $0.contains(Self.wanted) ? 1 : 0
      })
  }

  /// - Parameters:
  ///   - growth: the factor by which the mean merit must grow.
  ///   - merit: the criterion by which answers are ranked.
  private func check(
    _ name: String, unit: String, by growth: Double, merit: @escaping ([Int32]) -> Int
  ) throws -> Selftest.Check {
    let random = try RandomModels(Self.architecture).ppo
    let (judge, normalization) = try taught(merit)
    var options = PPOOptions()
    options.missingEnd = .keep
    let memory = try PPOMemory(
      PPOMemory.Models(
        policy: random.policy, reference: random.reference, reward: judge.model.parameters,
        normalization: normalization),
      PPOMemory.Sizes(batch: 96, longest: 16, documents: 0), options: options, precision: .float32,
      threads: threads)
    memory.trainer.value.parameters.copy(from: judge.model.parameters)
    func mean(_ episodes: Episodes) -> Double {
      episodes.responses.reduce(0) { $0 + Double(merit($1)) } / Double(episodes.count)
    }
    let before = mean(try rollout(memory, 1000))
    for iteration in 0..<30 {
      var order = RandomStream(seed: 6, purpose: "selftest/order", index: UInt64(iteration))
      _ = try memory.trainer.learn(
        from: try rollout(memory, iteration), learningRate: 3e-3, random: &order, pretraining: { [] })
    }
    let after = mean(try rollout(memory, 1000))
    return Selftest.Check(
      name, holds: after > growth * before,
      figure: "\(Formatting.fixed(before, 2)) \(unit) before, \(Formatting.fixed(after, 2)) after")
  }

  private func rollout(_ memory: PPOMemory, _ iteration: Int) throws -> Episodes {
    var options = SamplingOptions()
    options.maxNewTokens = Self.longestAnswer
    options.endTokens = [Self.end]
    let requests = (0..<96).map { number in
      let stream = 96 * iteration + number
      return Generator.Request(
        prompt: Self.prompt(stream), stream: UInt64(stream))
    }
    let samples = try memory.generator.run(
      requests, weights: memory.rolloutWeights(), options: options, seed: 6,
      purpose: "selftest/rollout")
    return Episodes(prompts: requests.map(\.prompt), samples: samples)
  }

  private static func prompt(_ stream: Int) -> [Int32] {
    var random = RandomStream(seed: 9, purpose: "selftest/prompts", index: UInt64(stream))
    return (0..<1 + stream % 3).map { _ in Int32(1 + random.below(architecture.vocabulary - 1)) }
  }

  /// Trains a reward model on rankings of random answers by their merit.
  private func taught(_ merit: ([Int32]) -> Int) throws -> (RewardMemory, RewardNormalization) {
    let memory = try RewardMemory(
      Self.architecture, groups: Array(repeating: 4 * (3 + Self.longestAnswer), count: 16), batch: 16,
      threads: threads)
    let (model, trainer) = (memory.model, memory.trainer)
    model.parameters.initialize(seed: 2)
    for step in 0..<150 {
      _ = try trainer.step(model, rankings(step, merit), learningRate: 3e-3)
    }
    let scores = trainer.pass.scores(
      model.view, rankings(1000, merit).flatMap(\.sequences))
    return (memory, try .measure(demonstrations: scores, samples: scores))
  }

  private func rankings(_ step: Int, _ merit: ([Int32]) -> Int) -> [RankedSequences] {
    (0..<16).map { index in
      let stream = 16 * step + index
      var random = RandomStream(seed: 8, purpose: "selftest/answers", index: UInt64(stream))
      let answers = (0..<4).map { _ in
        var answer: [Int32] = []
        repeat {
          answer.append(Int32(random.below(Self.architecture.vocabulary)))
        } while answer.last != Self.end && answer.count < Self.longestAnswer
        return answer
      }
      let merits = answers.map(merit)
      return RankedSequences(
        sequences: answers.map { Self.prompt(stream) + $0 },
        ranks: merits.map { one in 1 + merits.filter { $0 > one }.count })
    }
  }
}
