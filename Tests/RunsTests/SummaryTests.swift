import Support
import TestSupport
import Testing

@testable import Runs

/// The keys of an object, and of the objects in it: "models.ppo.win_rate_vs_sft.mean".
private func paths(_ value: JSONValue, _ prefix: String = "") -> [String] {
  switch value {
  case .object(let object):
    return object.keys.sorted().flatMap { key in
      [prefix + key] + paths(object[key]!, "\(prefix)\(key).")
    }
  case .array(let items): return items.first.map { paths($0, "\(prefix)0.") } ?? []
  default: return []
  }
}

private func encoded(_ value: some Encodable) throws -> JSONValue {
  try JSON.decode(JSONValue.self, from: JSON.encode(value), at: "test")
}

private let modelKeys = [
  "gold", "helpful", "honest", "harmless", "refusals_on_lookalikes", "proxy_reward", "kl",
  "bits_per_byte", "mean_tokens", "held_out_category_gold", "win_rate_vs_sft",
  "proxy_win_rate_vs_sft", "n",
]

@Test("a full summary has the documented keys and no others")
func summaryKeys() throws {
  let rate = Summary.WinRate(mean: 0.7, low: 0.6, high: 0.8, ties: 0.1, n: 400, prompts: 100)
  let summary = Summary(
    seed: 1, worldSeed: 2, seconds: 3, peakResidentBytes: 4,
    stages: [.init(name: "sft", seconds: 1, checkpoint: "sft.trlhf")],
    models: ["ppo": .init(gold: 0.5, winRateVsSFT: rate, n: ["gold": 400])],
    rewardModel: .init(accuracy: 0.7), rollouts: .init(isMean: 1),
    heldOut: [.init("prompts", heldOut: 4, of: 40, use: "the models are compared on them")])
  let top = [
    "version", "seed", "world_seed", "seconds", "peak_rss_bytes", "stages", "stages.0.name",
    "stages.0.seconds", "stages.0.checkpoint", "models", "models.ppo", "reward_model", "rollouts",
    "held_out", "held_out.0.rows", "held_out.0.held_out", "held_out.0.of", "held_out.0.use", "held_out.0.familiar",
    "models.ppo.n.gold",
  ]
  let model = modelKeys.map { "models.ppo.\($0)" }
  let winRate = ["mean", "low", "high", "wins", "ties", "losses", "n", "prompts"]
    .map { "models.ppo.win_rate_vs_sft.\($0)" }
  let reward = [
    "accuracy", "accuracy_low", "accuracy_high", "accuracy_held_out_labelers", "gold_rubric_accuracy",
    "labeler_agreement", "pairs", "prompts", "length_correlation", "length_correlation_within_prompts",
    "tied_scores", "pairs_held_out_labelers", "labeler_agreement_pairs",
  ].map { "reward_model.\($0)" }
  let rollouts = ["is_mean", "is_max", "clipped_fraction", "k3"].map { "rollouts.\($0)" }
  let all = top + model + winRate + reward + rollouts
  #expect(paths(try encoded(summary)).sorted() == all.sorted())
  #expect(try JSON.decode(Summary.self, from: JSON.encode(summary), at: "test") == summary)
}

@Test("what does not apply is null, not absent, and so is a mean of nothing")
func summaryNulls() throws {
  let summary = Summary(seed: 1, models: ["base": .init(gold: .nan)])
  let value = try encoded(summary)
  #expect(value["world_seed"] == .null)
  #expect(value["reward_model"] == .null)
  #expect(value["rollouts"] == .null && value["held_out"] == .null)
  for key in modelKeys { #expect(value["models"]?["base"]?[key] == .null, "\(key)") }
  let rewardModel = try encoded(Summary.RewardModel())
  #expect(paths(rewardModel).count == 13)
  let back = try JSON.decode(Summary.self, from: JSON.encode(summary), at: "test")
  #expect(back.models["base"] == Summary.Model())
}

@Test("samples and evaluation come back from the folder as they were written")
func recordsRoundTrip() throws {
  let temporary = TemporaryFolder()
  let run = try RunFolder.start(
    at: temporary.path,
    manifest: Manifest(
      command: ["tinyrlhf"], configuration: ["a": .array([.number(1)])], seed: .max,
      host: .init(processor: "x", threads: 1)), resume: false)
  let samples = [
    SampleRecord(
      prompt: [.init(role: "user", content: "Who?\nNow")], category: "chat",
      answers: [.init(model: "base", text: "no", gold: 0.25, ended: false)]),
    SampleRecord(
      prompt: [.init(role: "user", content: "a"), .init(role: "assistant", content: "b")],
      answers: []),
  ]
  let details = EvaluationDetails(
    calibration: [.init(predicted: 0.6, observed: 0.55, n: 40)],
    proxyGold: [.init(stage: "ppo", step: 10, kl: 2, proxy: 0.5, gold: 0.6)],
    categories: [.init(model: "sft", category: "chat", gold: 0.5, n: 20)],
    comparisons: [
      .init(
        model: "ppo", against: "base",
        winRate: .init(mean: 0.9, low: 0.8, high: 0.95, ties: 0.1, n: 100))
    ])
  try run.write(samples)
  try run.write(details)
  try run.write(Summary(seed: .max))
  let records = try RunRecords.read(temporary.path)
  #expect(records.samples == samples)
  #expect(records.evaluation == details)
  #expect(records.summary == Summary(seed: .max))
  #expect(records.manifest == run.manifest)
  #expect(try temporary.read(RunFile.samples).contains(#""prompt":"Who?\nNow""#))
}

@Test("a folder without a run's files is no run folder")
func recordsNeedRun() {
  let temporary = TemporaryFolder()
  let failure = #expect(throws: Failure.self) { try RunRecords.read(temporary.path) }
  #expect(failure?.kind == .badData)
}

@Test("wins, ties and losses are shares of all comparisons, also of a file that does not name them")
func winsTiesLosses() throws {
  let old = Array(#"{"mean":0.525,"low":0.45,"high":0.6,"ties":0.95,"n":40}"#.utf8)
  let rate = try JSON.decode(Summary.WinRate.self, from: old, at: "test")
  #expect(abs(rate.wins - 0.05) < 1e-12 && abs(rate.losses) < 1e-12 && rate.prompts == nil)
  let lost = Summary.WinRate(mean: 0.1, low: 0, high: 0.3, ties: 0.2, n: 10)
  #expect(lost.wins == 0 && abs(lost.losses - 0.8) < 1e-12)
}

@Test("what is held out is said in a sentence, and so is that nothing is")
func heldOutRows() {
  let some = Summary.HeldOutRows("demonstrations", heldOut: 4, of: 40, use: "they measure the validation loss")
  #expect(
    some.sentence
      == "4 of your 40 demonstrations are held out of training: they measure the validation loss.")
  var familiar = some
  familiar.familiar = 3
  #expect(familiar.sentence.hasSuffix("Training sees the prompts of 3 of them in other rows."))
  let none = Summary.HeldOutRows("prompts", heldOut: 0, of: 8, use: "nothing is measured")
  #expect(none.sentence.hasPrefix("None of your 8 prompts is held out, because fewer than ten"))
}
