import Runs

/// The models of a run in display order, with their names and colours.
struct ShownModels {
  let keys: [String]
  private let hasPretrainingMix: Bool

  init(_ records: RunRecords) {
    keys = EvaluatedModel.ordered(records.summary.map { Array($0.models.keys) } ?? [])
    hasPretrainingMix = records.manifest?.configuration["ptx-coef"]?.number != 0
  }

  func name(_ key: String) -> String {
    guard let model = Self.model(key) else { return key }
    return model == .ppo && hasPretrainingMix ? "PPO-ptx" : model.title
  }

  /// The style-sheet class of the model's colour.
  func colour(_ key: String) -> String { Self.model(key) == nil ? "other" : key }

  private static func model(_ key: String) -> EvaluatedModel? {
    EvaluatedModel.all.first { $0.key == key }
  }
}
