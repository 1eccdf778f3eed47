import ArgumentParser
import Recipe

/// Help for a hyper-parameter, from its one definition.
private func help(_ parameter: Parameter) -> ArgumentHelp {
  let unit = parameter.unit.isEmpty ? "" : " [\(parameter.unit)]"
  return ArgumentHelp(
    "\(parameter.help)\(unit) (default: \(parameter.text(parameter.defaultValue)))",
    valueName: parameter.isInteger ? "n" : "x")
}

/// The shape and the training of a base model.
struct PretrainParameters: ParsableArguments {
  @Option(help: help(.layers)) var layers: Double?
  @Option(help: help(.dModel)) var dModel: Double?
  @Option(help: help(.heads)) var heads: Double?
  @Option(help: help(.vocabulary)) var vocab: Double?
  @Option(help: help(.context)) var context: Double?
  @Option(help: help(.pretrainSteps)) var steps: Double?
  @Option(help: help(.pretrainBatch)) var batchSize: Double?
  @Option(help: help(.pretrainRate)) var learningRate: Double?
  @Option(help: help(.pretrainDecay)) var weightDecay: Double?

  func apply(to settings: inout Settings) throws {
    let values: [(Parameter, Double?)] = [
      (.layers, layers), (.dModel, dModel), (.heads, heads), (.vocabulary, vocab),
      (.context, context), (.pretrainSteps, steps), (.pretrainBatch, batchSize),
      (.pretrainRate, learningRate), (.pretrainDecay, weightDecay),
    ]
    for (parameter, value) in values {
      try settings.set(parameter, value, as: parameter.shortName)
    }
  }
}

/// Options that every stage has under the same short name.
struct StageParameters: ParsableArguments {
  @Option(help: "Passes over the data.") var epochs: Double?
  @Option(help: "Records (for ppo: episodes) of one step.") var batchSize: Double?
  @Option(help: "Peak learning rate.") var learningRate: Double?

  func apply(
    to settings: inout Settings, epochs: Parameter?, batch: Parameter, rate: Parameter
  ) throws {
    if let epochs { try settings.set(epochs, self.epochs, as: "epochs") }
    try settings.set(batch, batchSize, as: "batch-size")
    try settings.set(rate, learningRate, as: "learning-rate")
  }
}

/// PPO's own options, the same in `ppo` and in `all`.
struct PPOParameters: ParsableArguments {
  @Option(help: help(.totalEpisodes)) var totalEpisodes: Double?
  @Option(help: help(.ppoMiniBatches)) var numMiniBatches: Double?
  @Option(help: help(.ppoEpochs)) var numPpoEpochs: Double?
  @Option(help: help(.klCoefficient)) var klCoef: Double?
  @Option(help: help(.klTarget)) var klTarget: Double?
  @Option(help: help(.klHorizon)) var klHorizon: Double?
  @Option(help: help(.clipRange)) var cliprange: Double?
  @Option(help: help(.clipRangeValue)) var cliprangeValue: Double?
  @Option(help: help(.valueCoefficient)) var vfCoef: Double?
  @Option(help: help(.gamma)) var gamma: Double?
  @Option(help: help(.lambda)) var lam: Double?
  @Option(help: help(.ptxCoefficient)) var ptxCoef: Double?
  @Option(help: help(.ptxRatio)) var ptxRatio: Double?
  @Option(help: help(.temperature)) var rolloutTemperature: Double?
  @Option(help: help(.responseLength)) var responseLength: Double?
  @Option(help: help(.missingEndPenalty)) var missingEosPenalty: Double?
  @Option(help: help(.rewardClip)) var rewardClip: Double?
  @Flag(help: help(.whitenRewards)) var whitenRewards = false
  @Option(help: help(.averageDecay)) var emaDecay: Double?
  @Option(help: help(.importanceCap)) var importanceCap: Double?
  @Option(help: "Arithmetic of rollouts: int8 or float32.")
  var rolloutPrecision: RolloutPrecision = .int8

  func apply(to settings: inout Settings) throws {
    let values: [(Parameter, Double?)] = [
      (.totalEpisodes, totalEpisodes), (.ppoMiniBatches, numMiniBatches), (.ppoEpochs, numPpoEpochs),
      (.klCoefficient, klCoef), (.klTarget, klTarget), (.klHorizon, klHorizon),
      (.clipRange, cliprange), (.clipRangeValue, cliprangeValue), (.valueCoefficient, vfCoef),
      (.gamma, gamma), (.lambda, lam), (.ptxCoefficient, ptxCoef), (.ptxRatio, ptxRatio),
      (.temperature, rolloutTemperature), (.responseLength, responseLength),
      (.missingEndPenalty, missingEosPenalty), (.rewardClip, rewardClip),
      (.whitenRewards, whitenRewards ? 1 : nil), (.averageDecay, emaDecay),
      (.importanceCap, importanceCap),
    ]
    for (parameter, value) in values { try settings.set(parameter, value) }
  }
}

/// The options of `all` whose short names its stages share.
struct RecipeParameters: ParsableArguments {
  @Option(help: help(.sftDemonstrations)) var sftDemonstrations: Double?
  @Option(help: help(.sftEpochs)) var sftEpochs: Double?
  @Option(help: help(.sftBatch)) var sftBatchSize: Double?
  @Option(help: help(.sftRate)) var sftLearningRate: Double?
  @Option(help: help(.rankingPrompts)) var rankingPrompts: Double?
  @Option(help: help(.completionsPerPrompt)) var completionsPerPrompt: Double?
  @Option(help: help(.rewardEpochs)) var rewardEpochs: Double?
  @Option(help: help(.rewardBatch)) var rewardBatchSize: Double?
  @Option(help: help(.rewardRate)) var rewardLearningRate: Double?
  @Option(help: help(.ppoBatch)) var ppoBatchSize: Double?
  @Option(help: help(.ppoRate)) var ppoLearningRate: Double?
  @Option(help: help(.evaluationPrompts)) var evalPrompts: Double?
  @Option(help: help(.evaluationSamples)) var evalSamples: Double?

  func apply(to settings: inout Settings) throws {
    let values: [(Parameter, Double?)] = [
      (.sftDemonstrations, sftDemonstrations), (.sftEpochs, sftEpochs), (.sftBatch, sftBatchSize),
      (.sftRate, sftLearningRate), (.rankingPrompts, rankingPrompts),
      (.completionsPerPrompt, completionsPerPrompt), (.rewardEpochs, rewardEpochs),
      (.rewardBatch, rewardBatchSize), (.rewardRate, rewardLearningRate),
      (.ppoBatch, ppoBatchSize), (.ppoRate, ppoLearningRate), (.evaluationPrompts, evalPrompts),
      (.evaluationSamples, evalSamples),
    ]
    for (parameter, value) in values { try settings.set(parameter, value) }
  }
}

extension RolloutPrecision: ExpressibleByArgument {}
