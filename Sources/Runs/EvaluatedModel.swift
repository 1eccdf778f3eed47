/// A model that a run leaves, evaluates and reports. A new one is a line here and one in `all`.
public struct EvaluatedModel: Hashable, Sendable {
  public static let base = EvaluatedModel(key: "base", title: "Base", file: "base.trlhf")
  public static let sft = EvaluatedModel(key: "sft", title: "SFT", file: "sft.trlhf")
  public static let ppo = EvaluatedModel(key: "ppo", title: "PPO", file: "ppo.trlhf")

  /// In the order in which they are made and shown.
  public static let all = [base, sft, ppo]
  /// The model that the others are compared with.
  public static let baseline = sft
  /// The model that the run is for.
  public static let result = ppo

  /// In `summary.json` and `samples.jsonl`.
  public let key: String
  /// In tables and charts.
  public let title: String
  /// In the run folder.
  public let file: String
}

extension EvaluatedModel {
  /// Keys in the order in which they are shown; those that this version does not know come last, by name.
  public static func ordered(_ keys: some Sequence<String>) -> [String] {
    let known = all.map(\.key)
    let present = Set(keys)
    return known.filter(present.contains) + present.subtracting(known).sorted()
  }
}
