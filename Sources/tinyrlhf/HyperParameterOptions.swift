import ArgumentParser
import Recipe
import Support

/// Help for a hyper-parameter, from its one definition.
private func help(_ parameter: Parameter) -> ArgumentHelp {
  let unit = parameter.unit.isEmpty ? "" : " [\(parameter.unit)]"
  return ArgumentHelp(
    "\(parameter.help)\(unit) (default: \(parameter.text(parameter.defaultValue)))",
    valueName: parameter.choices.isEmpty
      ? parameter.isInteger ? "n" : "x" : parameter.choices.joined(separator: "|"))
}

/// The shape and the training of a base model.
struct PretrainParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: help(.layers)) var layers: Double?
  @Option(parsing: .unconditional, help: help(.dModel)) var dModel: Double?
  @Option(parsing: .unconditional, help: help(.heads)) var heads: Double?
  @Option(parsing: .unconditional, help: help(.vocabulary)) var vocab: Double?
  @Option(parsing: .unconditional, help: help(.context)) var context: Double?
  @Option(parsing: .unconditional, help: help(.pretrainSteps)) var steps: Double?
  @Option(parsing: .unconditional, help: help(.pretrainBatch)) var batchSize: Double?
  @Option(parsing: .unconditional, help: help(.pretrainRate)) var learningRate: Double?
  @Option(parsing: .unconditional, help: help(.pretrainDecay)) var weightDecay: Double?

  func apply(to settings: inout Settings) throws {
    let values: [(Parameter, Double?)] = [
      (.layers, layers), (.dModel, dModel), (.heads, heads), (.vocabulary, vocab),
      (.context, context), (.pretrainSteps, steps), (.pretrainBatch, batchSize),
      (.pretrainRate, learningRate), (.pretrainDecay, weightDecay),
    ]
    try settings.set(values, short: true)
  }
}

/// SFT's own options.
struct SFTParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: help(.sftDropout)) var dropout: Double?
  @Option(
    help: ArgumentHelp(
      """
      A reward model that chooses the epoch: the one whose answers to the prompts that are held out it likes \
      best. Without it, the last.
      """, valueName: "model"))
  var rewardModel: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Longest answer that --reward-model judges [tokens] (default: \(Parameter.responseLength.text(Parameter.responseLength.defaultValue)))",
      valueName: "n"))
  var responseLength: Double?

  func apply(to settings: inout Settings) throws {
    try settings.set(.sftDropout, dropout, as: "dropout")
    guard responseLength == nil || rewardModel != nil else {
      throw Failure(
        .usage, "--response-length is of the answers that a reward model judges",
        remedy: "Give --reward-model MODEL, or leave it out.")
    }
    try settings.set(.responseLength, responseLength)
  }

  /// Hyper-parameters of other stages that are read all the same.
  /// - Parameter rewardModel: by which an epoch is chosen, if one is.
  static func further(_ rewardModel: String?) -> [Parameter] { rewardModel == nil ? [] : [.responseLength] }

  /// What a resumed run must repeat for the same choice of an epoch.
  func choice(_ settings: Settings) -> [(String, String)] {
    guard let rewardModel else { return [] }
    let length = Parameter.responseLength
    return [("reward-model", rewardModel), (length.name, length.text(settings[length]))]
  }
}

/// The reward model's own options.
struct RewardParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: help(.rewardCentering)) var centerRewardsCoefficient: Double?

  func apply(to settings: inout Settings) throws {
    try settings.set(.rewardCentering, centerRewardsCoefficient)
  }
}

/// Options that every stage has under the same short name.
struct StageParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: "Passes over the data.") var epochs: Double?
  @Option(parsing: .unconditional, help: "Records (for ppo: episodes) of one step.") var batchSize: Double?
  @Option(parsing: .unconditional, help: "Peak learning rate.") var learningRate: Double?

  func apply(
    to settings: inout Settings, epochs: Parameter?, batch: Parameter, rate: Parameter
  ) throws {
    let epochs = epochs.map { [($0, self.epochs)] } ?? []
    try settings.set(epochs + [(batch, batchSize), (rate, learningRate)], short: true)
  }
}

/// PPO's own options, the same in `ppo` and in `all`.
struct PPOParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: help(.totalEpisodes)) var totalEpisodes: Double?
  @Option(parsing: .unconditional, help: help(.ppoMiniBatches)) var numMiniBatches: Double?
  @Option(parsing: .unconditional, help: help(.ppoEpochs)) var numPpoEpochs: Double?
  @Option(parsing: .unconditional, help: help(.klCoefficient)) var klCoef: Double?
  @Option(parsing: .unconditional, help: help(.klTarget)) var klTarget: Double?
  @Option(parsing: .unconditional, help: help(.klHorizon)) var klHorizon: Double?
  @Option(help: help(.klEstimator)) var klEstimator: String?
  @Option(parsing: .unconditional, help: help(.clipRange)) var cliprange: Double?
  @Option(parsing: .unconditional, help: help(.clipRangeValue)) var cliprangeValue: Double?
  @Option(parsing: .unconditional, help: help(.valueCoefficient)) var vfCoef: Double?
  @Option(help: help(.valueModel)) var valueModel: String?
  @Option(parsing: .unconditional, help: help(.gamma)) var gamma: Double?
  @Option(parsing: .unconditional, help: help(.lambda)) var lam: Double?
  @Option(parsing: .unconditional, help: help(.ptxCoefficient)) var ptxCoef: Double?
  @Option(parsing: .unconditional, help: help(.ptxRatio)) var ptxRatio: Double?
  @Option(parsing: .unconditional, help: help(.temperature)) var rolloutTemperature: Double?
  @Option(parsing: .unconditional, help: help(.responseLength)) var responseLength: Double?
  @Option(parsing: .unconditional, help: help(.missingEndPenalty)) var missingEosPenalty: Double?
  @Option(help: help(.missingEnd)) var missingEos: String?
  @Option(parsing: .unconditional, help: help(.shortestResponse)) var minResponseLength: Double?
  @Option(parsing: .unconditional, help: help(.rewardClip)) var rewardClip: Double?
  @Flag(help: help(.whitenRewards)) var whitenRewards = false
  @Option(parsing: .unconditional, help: help(.averageDecay)) var emaDecay: Double?
  @Option(parsing: .unconditional, help: help(.importanceCap)) var importanceCap: Double?
  @Option(help: help(.rolloutCorrection)) var rolloutCorrection: String?
  @Option(
    help: """
      Arithmetic of rollouts: int8 or float32. Without it int8, but float32 for a model that is more than \
      \(Int8Gap.tolerated) nats a token from its int8 form.
      """)
  var rolloutPrecision: RolloutPrecision?

  func apply(to settings: inout Settings) throws {
    let values: [(Parameter, Double?)] = [
      (.totalEpisodes, totalEpisodes), (.ppoMiniBatches, numMiniBatches), (.ppoEpochs, numPpoEpochs),
      (.klCoefficient, klCoef), (.klTarget, klTarget), (.klHorizon, klHorizon),
      (.clipRange, cliprange), (.clipRangeValue, cliprangeValue), (.valueCoefficient, vfCoef),
      (.gamma, gamma), (.lambda, lam), (.ptxCoefficient, ptxCoef), (.ptxRatio, ptxRatio),
      (.temperature, rolloutTemperature), (.responseLength, responseLength),
      (.shortestResponse, minResponseLength),
      (.missingEndPenalty, missingEosPenalty), (.rewardClip, rewardClip),
      (.whitenRewards, whitenRewards ? 1 : nil), (.averageDecay, emaDecay),
      (.importanceCap, importanceCap),
    ]
    try settings.set(values)
    try settings.set(.klEstimator, choice: klEstimator)
    try settings.set(.valueModel, choice: valueModel)
    try settings.set(.missingEnd, choice: missingEos)
    try settings.set(.rolloutCorrection, choice: rolloutCorrection)
  }
}

/// The options of `all` whose short names its stages share.
struct RecipeParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: help(.sftDemonstrations)) var sftDemonstrations: Double?
  @Option(parsing: .unconditional, help: help(.sftEpochs)) var sftEpochs: Double?
  @Option(parsing: .unconditional, help: help(.sftBatch)) var sftBatchSize: Double?
  @Option(parsing: .unconditional, help: help(.sftRate)) var sftLearningRate: Double?
  @Option(parsing: .unconditional, help: help(.sftDropout)) var sftDropout: Double?
  @Option(parsing: .unconditional, help: help(.rankingPrompts)) var rankingPrompts: Double?
  @Option(parsing: .unconditional, help: help(.completionsPerPrompt)) var completionsPerPrompt: Double?
  @Option(parsing: .unconditional, help: help(.rounds)) var rounds: Double?
  @Option(help: help(.labelSelection)) var labelSelection: String?
  @Option(parsing: .unconditional, help: help(.rewardHeads)) var rewardHeads: Double?
  @Option(parsing: .unconditional, help: help(.rewardEpochs)) var rewardEpochs: Double?
  @Option(parsing: .unconditional, help: help(.rewardBatch)) var rewardBatchSize: Double?
  @Option(parsing: .unconditional, help: help(.rewardRate)) var rewardLearningRate: Double?
  @Option(parsing: .unconditional, help: help(.rewardCentering)) var centerRewardsCoefficient: Double?
  @Option(parsing: .unconditional, help: help(.ppoBatch)) var ppoBatchSize: Double?
  @Option(parsing: .unconditional, help: help(.ppoRate)) var ppoLearningRate: Double?
  @Option(parsing: .unconditional, help: help(.evaluationPrompts)) var evalPrompts: Double?
  @Option(parsing: .unconditional, help: help(.evaluationSamples)) var evalSamples: Double?
  @Option(parsing: .unconditional, help: help(.evaluationDocuments)) var evalDocuments: Double?

  func apply(to settings: inout Settings) throws {
    let values: [(Parameter, Double?)] = [
      (.sftDemonstrations, sftDemonstrations), (.sftEpochs, sftEpochs), (.sftBatch, sftBatchSize),
      (.sftRate, sftLearningRate), (.sftDropout, sftDropout), (.rankingPrompts, rankingPrompts),
      (.completionsPerPrompt, completionsPerPrompt), (.rounds, rounds),
      (.rewardHeads, rewardHeads), (.rewardEpochs, rewardEpochs),
      (.rewardBatch, rewardBatchSize), (.rewardRate, rewardLearningRate),
      (.rewardCentering, centerRewardsCoefficient), (.ppoBatch, ppoBatchSize),
      (.ppoRate, ppoLearningRate), (.evaluationPrompts, evalPrompts),
      (.evaluationSamples, evalSamples), (.evaluationDocuments, evalDocuments),
    ]
    try settings.set(values)
    try settings.set(.labelSelection, choice: labelSelection)
  }
}

extension RolloutPrecision: ExpressibleByArgument {}
