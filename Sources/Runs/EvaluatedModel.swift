/// A model that a run makes, evaluates and reports. To add one, declare it here and add it to `all`.
public struct EvaluatedModel: Hashable, Sendable {
  public static let base = EvaluatedModel(key: "base", title: "Base", file: "base.trlhf")
  public static let sft = EvaluatedModel(key: "sft", title: "SFT", file: "sft.trlhf")
  public static let ppo = EvaluatedModel(key: "ppo", title: "PPO", file: "ppo.trlhf")

  /// All models, in the order in which they are made and shown.
  public static let all = [base, sft, ppo]
  /// The model that the others are compared with.
  public static let baseline = sft
  /// The final model of the run.
  public static let result = ppo

  /// The key in `summary.json` and `samples.jsonl`.
  public let key: String
  /// The name in tables and charts.
  public let title: String
  /// The file's name in the run folder.
  public let file: String
}

extension EvaluatedModel {
  /// Keys in display order; keys that this version does not know come last, sorted by name.
  public static func ordered(_ keys: some Sequence<String>) -> [String] {
    let known = all.map(\.key)
    let present = Set(keys)
    return known.filter(present.contains) + present.subtracting(known).sorted()
  }
}
