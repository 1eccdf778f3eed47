import Runs

/// The models of a run in display order, with their names and colours.
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

  /// The style-sheet class of the model's colour.
  func colour(_ key: String) -> String {
    ["base", "sft", "ppo"].contains(key) ? key : "other"
  }
}
