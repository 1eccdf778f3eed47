import Statistics
import Support

/// The metrics of one iteration's episodes: scores, KL, entropy and lengths. Each is declared here, beside its value.
public struct EpisodeFigures {
  let episodes: Episodes
  /// Rewards of whole answers after the reward model's normalisation, the penalty for a missing end, and the clip.
  let scores: [Float]
  /// β during this iteration.
  let klCoefficient: Double
  let estimator: KLEstimator
  /// C of the importance weights.
  let importanceCap: Double
  let kl: KLEstimates

  init(
    _ episodes: Episodes, scores: [Float], klCoefficient: Double, estimator: KLEstimator, importanceCap: Double
  ) {
    self.episodes = episodes
    self.scores = scores
    self.klCoefficient = klCoefficient
    self.estimator = estimator
    self.importanceCap = importanceCap
    var kl = KLEstimates()
    kl.add(logprobs: episodes.logprobs, reference: episodes.reference)
    self.kl = kl
  }

  private var count: Double { Double(episodes.count) }
  private var tokens: Double { Double(episodes.logprobs.count) }

  /// Mean k1 per episode, in nats. An adaptive β follows it.
  var klPerEpisode: Double { kl.k1 / count }

  public static let meanKL = Metric(
    "objective/kl", unit: "nats per sequence", better: .lower,
    chart: .init(
      "KL", axis: "from the reference policy, nats per sequence", place: 20, line: "KL", colour: "ppo", includes: [0]))
  static let k3 = Metric("objective/kl_k3", unit: "nats per sequence", better: .lower)
  public static let entropy = Metric(
    "objective/entropy", unit: "nats",
    chart: .init("Entropy", place: 40, line: "entropy", colour: "ppo", includes: [0]))
  static let penalty = Metric("objective/non_score_reward", unit: "reward")
  public static let score = Metric(
    "objective/scores", unit: "reward", better: .higher,
    chart: .init("Reward", axis: "reward model’s units", place: 10, line: "score", colour: "proxy"))
  static let reward = Metric(
    "objective/rlhf_reward", unit: "reward", better: .higher,
    chart: .init(
      "Reward", axis: "reward model’s units", place: 11, line: "less KL penalty", colour: "second", isDashed: true))
  /// Near 0 the reward model likes all answers alike: the policy has little left to learn, or has collapsed.
  static let scoreSpread = Metric(
    "objective/scores_std", unit: "reward",
    chart: .init(
      "Spread of scores", axis: "standard deviation of an iteration’s scores", place: 12, line: "scores",
      colour: "proxy", includes: [0]))
  static let coefficient = Metric("objective/kl_coef")
  static let length = Metric(
    "response/length", unit: "tokens",
    chart: .init("Length", axis: "tokens of an answer", place: 50, line: "length", colour: "ppo", includes: [0]))
  static let ended = Metric("val/num_eos_tokens", unit: "answers")
  static let withoutEnd = Metric("response/without_eos", unit: "share of answers", better: .lower)
  static let weightedKL = Metric("objective/kl_weighted", unit: "nats per sequence", better: .lower)
  static let weightedScore = Metric("objective/scores_weighted", unit: "reward", better: .higher)

  var metrics: [Metric: Double] {
    let meanScore = scores.reduce(0) { $0 + Double($1) } / count
    let penalty = klCoefficient * kl[estimator] / count
    let metrics: [Metric: Double] = [
      Self.meanKL: klPerEpisode, Self.k3: kl.k3 / count,
      Self.entropy: episodes.entropies.reduce(0) { $0 + Double($1) } / tokens,
      Self.penalty: -penalty, Self.score: meanScore,
      Self.scoreSpread: SampleStatistics.moments(scores).variance.squareRoot(), Self.reward: meanScore - penalty,
      Self.coefficient: klCoefficient, Self.length: tokens / count,
      Self.ended: Double(episodes.ended.filter { $0 }.count),
      Self.withoutEnd: Double(episodes.ended.filter { !$0 }.count) / count,
    ]
    return metrics.merging(weighted) { own, _ in own }
  }

  /// The mean KL and the mean score with each answer's importance weight. They estimate the float32 policy's figures
  /// where int8 sampled the answers. For float32 rollouts they equal the plain means, up to rounding.
  private var weighted: [Metric: Double] {
    guard episodes.sampled.count == episodes.logprobs.count else { return [:] }
    let weights = ImportanceWeights.ofAnswers(
      float32: episodes.logprobs, sampled: episodes.sampled, lengths: episodes.lengths, cap: importanceCap)
    let kl = zip(episodes.starts, episodes.lengths).map { start, length in
      (start..<start + length).reduce(0) {
        $0 + Double(episodes.logprobs[$1]) - Double(episodes.reference[$1])
      }
    }
    return [
      Self.weightedKL: SampleStatistics.mean(kl, weights: weights),
      Self.weightedScore: SampleStatistics.mean(scores.map { Double($0) }, weights: weights),
    ]
  }
}
