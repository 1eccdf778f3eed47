import Stages

/// All studies, in the order of the recipe's questions.
public enum Studies {
  public static let all: [any Study] = [
    TaxStudy(), OveroptimizationStudy(), BudgetStudy(), RoundsStudy(), PrecisionStudy(), ScaleStudy(),
    LabelersStudy(), GroupsStudy(), StabilityStudy(), LengthStudy(), SensitivityStudy(),
    GeneralizationStudy(),
  ]

  public static func named(_ name: String) -> (any Study)? { all.first { $0.name == name } }

  /// The sizes of a study: with `full`, those of the whole recipe; else smaller ones, enough to see the effect in
  /// minutes.
  public static func settings(full: Bool) -> Settings {
    var settings = Settings(quick: !full)
    guard !full else { return settings }
    let values: [(Parameter, Double)] = [
      (.rankingPrompts, 3000), (.totalEpisodes, 4096), (.ppoBatch, 128), (.ppoMiniBatches, 2),
      (.layers, 6), (.dModel, 192), (.heads, 6), (.pretrainSteps, 3000),
      (.evaluationPrompts, 250), (.evaluationSamples, 4), (.evaluationDocuments, 200),
    ]
    for (parameter, value) in values {
      // Each value is within its parameter's bounds, so this cannot throw.
      try! settings.set(parameter, value)
    }
    return settings
  }
}
