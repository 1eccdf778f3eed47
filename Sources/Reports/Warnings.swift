import Runs
import Support

/// Warnings about a run, in sentences: what went wrong, and what to try. A healthy run has none.
///
/// The thresholds are far from the values of healthy runs, so that there are few false alarms. If a figure has an
/// interval, the interval is compared, not the figure.
struct Warnings {
  private let records: RunRecords
  private let name: String
  private var ppo: Summary.Model? { records.summary?.models[EvaluatedModel.result.key] }
  private var sft: Summary.Model? { records.summary?.models[EvaluatedModel.baseline.key] }

  init(_ records: RunRecords, _ models: ShownModels) {
    self.records = records
    name = models.name(EvaluatedModel.result.key)
  }

  var all: [String] { [worse, far, empty, alike, endless, sure, chance].compactMap { $0 } }

  // MARK: Against SFT

  /// Warns if the whole interval of the win rate is below one half. If the reward model's score rose at the same time,
  /// this is over-optimisation (Gao et al. 2022, section 3).
  private var worse: String? {
    guard let summary = records.summary, let rates = WinRates(summary), let rate = rates[EvaluatedModel.result.key],
      rate.high < 0.5
    else { return nil }
    let percent = { (share: Double) in Numbers.text(share, .percent) }
    let found = "\(name) answers worse than SFT on \(percent(rate.losses)) of \(Numbers.count(rate.n)) "
      + "comparisons and better on \(percent(rate.wins))"
    if rates.isByRewardModel {
      return "\(found), according to the reward model that it was trained against. PPO went wrong. "
        + "Lower --ppo-learning-rate, or raise --kl-coef."
    }
    if let before = sft?.proxyReward, let after = ppo?.proxyReward, after > before {
      return "\(found), while the reward model's score rose from \(Numbers.short(before)) to "
        + "\(Numbers.short(after)): over-optimisation. The policy maximises the reward model, not the rubric. "
        + "Raise --kl-coef, lower --total-episodes or --ppo-learning-rate, or give the reward model more rankings."
    }
    return "\(found), and the reward model's score did not rise either. PPO went wrong. "
      + "Lower --ppo-learning-rate, or raise --kl-coef."
  }

  /// Warns if KL is above 10 nats per answer and above one nat per token. In Stiennon et al. 2020 (figure 5), people's
  /// preference peaks near 10 nats for answers of 48 tokens and then falls; the default run has 1.2 nats for 12 tokens.
  /// If --kl-target is given, also warns if KL is above three times the target.
  private var far: String? {
    guard let kl = ppo?.kl ?? latest("objective/kl"), kl.isFinite else { return nil }
    let tokens = ppo?.meanTokens ?? latest("response/length") ?? 0
    let target = records.manifest?.configuration["kl-target"]?.number ?? 0
    let isFar = kl > max(10, tokens) || (target > 0 && kl > 3 * target)
    guard isFar else { return nil }
    let aim = target > 0 ? "; --kl-target is \(Numbers.short(target))" : ""
    return "\(name) moved far from SFT: KL is \(Numbers.short(kl)) nats per answer of "
      + "\(Numbers.short(tokens)) tokens\(aim). SFT would hardly ever give such answers, so the reward model's scores "
      + "of them mean little. Raise --kl-coef, or lower --ppo-learning-rate."
  }

  // MARK: The answers

  /// A model's answers among the shown samples, one per prompt.
  private func answers(_ model: String) -> [SampleRecord.Answer] {
    records.samples.compactMap { sample in sample.answers.first { $0.model == model } }
  }

  /// With fewer prompts, answers can be alike by chance.
  private static let fewest = 10

  /// A warning if more than half of PPO's shown answers have a property, and SFT's share is less than half of PPO's.
  private func mostly(
    _ share: ([SampleRecord.Answer]) -> Double, _ text: (_ share: String, _ before: String, _ n: Int) -> String
  ) -> String? {
    let (before, after) = (answers(EvaluatedModel.baseline.key), answers(EvaluatedModel.result.key))
    guard after.count >= Self.fewest, before.count == after.count else { return nil }
    let (old, new) = (share(before), share(after))
    guard new > 0.5, old < new / 2 else { return nil }
    return text(Numbers.text(new, .percent), Numbers.text(old, .percent), after.count)
  }

  private static func share(
    of answers: [SampleRecord.Answer], _ isCounted: (SampleRecord.Answer) -> Bool
  ) -> Double { Double(answers.count(where: isCounted)) / Double(answers.count) }

  private static func isEmpty(_ answer: SampleRecord.Answer) -> Bool {
    answer.text.allSatisfy(\.isWhitespace)
  }

  private var empty: String? {
    mostly({ Self.share(of: $0, Self.isEmpty) }) { share, before, n in
      "\(name) gives empty answers to \(share) of \(n) prompts; SFT to \(before). The reward model may prefer short "
        + "answers too much. Give --min-response-length, or raise --kl-coef."
    }
  }

  private var alike: String? {
    func commonest(_ answers: [SampleRecord.Answer]) -> Double {
      let said = answers.filter { !Self.isEmpty($0) }
      let largest = Dictionary(grouping: said, by: \.text).values.map(\.count).max() ?? 0
      return Double(largest) / Double(answers.count)
    }
    return mostly(commonest) { share, before, n in
      "\(name) gives the same answer to \(share) of \(n) prompts; SFT's most common answer is given to \(before). The "
        + "policy has collapsed. Raise --kl-coef, or lower --ppo-learning-rate or --total-episodes."
    }
  }

  private var endless: String? {
    mostly({ Self.share(of: $0) { $0.ended == false } }) { share, before, n in
      "\(name) does not end \(share) of \(n) answers with the end token; SFT does not end \(before). Raise "
        + "--missing-eos-penalty or --kl-coef, or lower --ppo-learning-rate."
    }
  }

  // MARK: Training

  /// The mean of a metric over the last tenth of PPO's iterations.
  private func latest(_ metric: String) -> Double? {
    let values = records.series(in: "ppo", of: metric).map(\.value)
    return Self.mean(values.suffix(max(1, values.count / 10)))
  }

  /// The mean of a metric over the first tenth of PPO's iterations.
  private func first(_ metric: String) -> Double? {
    let values = records.series(in: "ppo", of: metric).map(\.value)
    return Self.mean(values.prefix(max(1, values.count / 10)))
  }

  private static func mean(_ values: ArraySlice<Double>) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// Warns if entropy fell below a tenth of its first value: the policy is almost deterministic. Healthy runs keep most
  /// of their entropy.
  private var sure: String? {
    guard let before = first("objective/entropy"), let after = latest("objective/entropy"),
      before > 0, after < before / 10
    else { return nil }
    return "\(name) is almost deterministic: its entropy fell from \(Numbers.short(before)) to "
      + "\(Numbers.short(after)) nats per token. The policy has collapsed. Raise --kl-coef, or lower "
      + "--ppo-learning-rate or --total-episodes."
  }

  /// Warns if the interval of the reward model's accuracy reaches down to one half: the reward may be noise.
  private var chance: String? {
    guard let model = records.summary?.rewardModel, let accuracy = model.accuracy,
      let low = model.accuracyLow, let high = model.accuracyHigh, low <= 0.5
    else { return nil }
    let percent = { (share: Double) in Numbers.text(share, .percent) }
    let pairs = model.pairs.map { " of \(Numbers.count($0, "held-out pair"))" } ?? ""
    let found = "The reward model is right on \(percent(accuracy))\(pairs) (95\u{A0}% interval \(percent(low)) to "
      + "\(percent(high)))"
    return high < 0.5
      ? "\(found), which is worse than chance. Check that rank 1 is the best answer in the rankings."
      : "\(found), which may be chance, so PPO may have followed noise. Give it more rankings."
  }
}
