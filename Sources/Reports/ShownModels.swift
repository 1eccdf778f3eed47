import Runs

/// The models of a run in the order in which they are shown, and what they are called.
struct ShownModels {
  var keys: [String]
  private var hasPretrainingMix: Bool

  init(_ records: RunRecords) {
    let known = ["base", "sft", "ppo"]
    let all = records.summary.map { Array($0.models.keys) } ?? []
    keys = known.filter(all.contains) + all.filter { !known.contains($0) }.sorted()
    hasPretrainingMix = records.manifest?.configuration["ptx-coef"]?.number != 0
  }

  func name(_ key: String) -> String {
    switch key {
    case "base": "Base"
    case "sft": "SFT"
    case "ppo": hasPretrainingMix ? "PPO-ptx" : "PPO"
    default: key
    }
  }

  /// The class that colours it in the style sheet.
  func colour(_ key: String) -> String {
    ["base", "sft", "ppo"].contains(key) ? key : "other"
  }
}
