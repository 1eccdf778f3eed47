import Checkpoints
import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Support
import Tokenizers
import Training

/// Trains the reward model: the SFT model with a scalar head, trained on ranked answers, then normalised.
public struct RewardStage {
  public static let file = "reward.trlhf"

  /// Comparisons for training and validation, and demonstrations for the normalisation.
  public struct Data {
    public let comparisons: [Tokenized<Comparison>]
    public let validation: [Tokenized<Comparison>]
    /// nil for the best answers of all comparisons.
    let demonstrations: [Tokenized<Demonstration>]?
    /// The demonstrations in place of `demonstrations`.
    let best: [Demonstration]
    /// The file of the comparisons.
    public let place: String
    public let source: Provenance.Source
    /// Which rows of `comparisons` are held out; nil if `validation` was given.
    public let heldOut: Summary.HeldOutRows?

    /// - Parameters:
    ///   - place: the file of `comparisons`.
    ///   - validation: nil for a tenth of `comparisons`.
    ///   - demonstrations: nil for the best answers of `comparisons`.
    public init(
      comparisons: [Tokenized<Comparison>], at place: String, validation: [Tokenized<Comparison>]? = nil,
      demonstrations: [Tokenized<Demonstration>]? = nil, threads: Int
    ) throws {
      self.place = place
      let (training, heldOut) = RecipeData.split(comparisons)
      self.comparisons = validation == nil ? training : comparisons
      self.validation = validation ?? heldOut
      self.heldOut =
        validation == nil
        ? .comparisons(training: training.map(\.record), heldOut: heldOut.map(\.record)) : nil
      self.demonstrations = demonstrations
      best =
        demonstrations == nil
        ? comparisons.map { Demonstration(prompt: $0.record.prompt, completion: $0.record.best) } : []
      source = try .init(name: "comparisons", records: self.comparisons.map(\.record), threads: threads)
    }
  }

  /// Maximum number of held-out comparisons that are measured during training.
  package static let watched = 100

  private static let rankingLoss = Metric(
    "loss/ranking", unit: "nats per pair", better: .lower,
    chart: .init(
      "Ranking loss", place: 10, line: "ranking loss", reference: .init(value: 0.693_147, name: "chance, ln 2")))
  private static let validationLoss = Metric("loss/validation", unit: "nats per pair", better: .lower)
  private static let trainingAccuracy = accuracy("accuracy/train", place: 20, line: "training", colour: "first")
  private static let validationAccuracy = accuracy(
    "accuracy/validation", place: 21, line: "validation", colour: "second", isMarked: true)

  private static func accuracy(
    _ name: String, place: Int, line: String, colour: String, isMarked: Bool = false
  ) -> Metric {
    Metric(
      name, unit: "share of pairs", better: .higher,
      chart: .init(
        "Accuracy on pairs", axis: "pairs in the labelers’ order", place: place, line: line, colour: colour,
        isPercent: true, isMarked: isMarked, reference: .init(value: 0.5, name: "chance")))
  }

  let context: StageContext
  let sft: Model
  let data: Data

  public init(_ context: StageContext, sft: Model, data: Data) {
    self.context = context
    self.sft = sft
    self.data = data
  }

  /// Runs or continues the stage; writes `reward.trlhf`.
  public func run() throws -> StageResult {
    try sft.requireLanguageOrRewardModel("a language model to start the reward model from")
    let settings = context.settings
    let fit = ContextFit(sft.architecture.context)
    let usable = fit.comparisons(data.comparisons)
    try requireUsable(
      usable.kept.count, of: data.comparisons.count,
      "comparisons can be learnt from (\(usable.long) are over \(fit.context) tokens, "
        + "\(usable.tied) have only ties)",
      at: data.place,
      remedy: "Give shorter answers, and at least one comparison with unequal ranks.",
      note: context.note)
    // If an imported classifier is trained further, its score is still read at the last token that is not padding.
    let pad = try sft.padToken()
    let ranked = usable.sequences.map { $0.withoutPadding(pad) }
    // These are enough for the curve; `RewardAssessment` measures on all held-out comparisons.
    let heldOut = fit.comparisons(data.validation, limit: Self.watched).sequences.map {
      $0.withoutPadding(pad)
    }
    let pairs = heldOut.reduce(0) { $0 + $1.pairs }
    let groups = (ranked + heldOut).map(\.tokenCount)
    let batch = min(settings.count(.rewardBatch), ranked.count)
    let memory = try RewardMemory(
      sft.architecture, groups: groups, batch: batch, threads: context.threads)
    let (model, trainer) = (memory.model, memory.trainer)
    // The SFT model's trunk with a new head; or, if a reward model is trained further, its trunk and its head.
    model.parameters.copy(from: try sft.parameters())
    if sft.kind != .reward { model.parameters.initializeHead(seed: context.seed) }
    let order = EpochOrder(
      count: ranked.count, batch: batch, seed: context.seed, purpose: "reward/order")
    let loop = TrainingLoop(
      context: context, stage: .reward, total: order.steps(epochs: settings.count(.rewardEpochs)),
      shown: [(Self.rankingLoss, "loss", 3), (Self.validationAccuracy, "held-out accuracy (n \(pairs))", 3)],
      measure: .init(metric: Self.validationLoss))
    var draft = try context.draft(
      .reward, kind: .reward, sft.architecture, sft.tokenizer, step: loop.total,
      parents: [sft], data: data.source)
    draft.provenance.notes[Provenance.padTokenNote] = pad.map { .number(Double($0)) }
    try loop.run(
      model, Schedule(.cosine, peak: settings[.rewardRate], floor: 0.1), draft, validateEvery: 20,
      step: { step, rate in
        let (loss, norm) = try trainer.step(
          model, order.batch(step).map { ranked[$0] }, learningRate: rate,
          centering: settings[.rewardCentering])
        return [
          Self.rankingLoss: loss.meanOfPairs, Self.trainingAccuracy: loss.accuracy,
          .gradientNorm: norm, Metric("margin", unit: "reward", better: .higher): loss.meanDifference,
        ]
      },
      validate: {
        guard !heldOut.isEmpty else { return [:] }
        let loss = trainer.evaluate(model.view, heldOut)
        return [Self.validationAccuracy: loss.accuracy, Self.validationLoss: loss.meanOfPairs]
      })
    // Tokens of the best answers are made only now, so that they do not take memory during the training.
    let demonstrations =
      try data.demonstrations ?? data.best.tokenized(sft.tokenizer, threads: context.threads)
    return try finish(
      model, trainer, demonstrations: fit.demonstrations(demonstrations).sequences.map {
        RankedSequences.withoutPadding($0.tokens, pad)
      },
      samples: ranked.flatMap(\.sequences), draft)
  }

  private func finish(
    _ model: TrainableModel, _ trainer: RewardTrainer, demonstrations: [[Int32]],
    samples: [[Int32]], _ draft: CheckpointDraft
  ) throws -> StageResult {
    guard !demonstrations.isEmpty else {
      throw Failure(
        .badData, "the reward model cannot be normalised: no demonstration fits the context",
        remedy: "Give demonstrations with --demonstrations.")
    }
    let normalization = try RewardNormalization.measure(
      demonstrations: trainer.pass.scores(model.view, demonstrations),
      samples: trainer.pass.scores(model.view, samples))
    var draft = draft
    draft.provenance.notes["normalised_on"] = .object([
      "demonstrations": .number(Double(demonstrations.count)),
      "samples": .number(Double(samples.count)),
    ])
    let values = [normalization.gain, normalization.bias]
    return try values.withUnsafeBytes { bytes in
      let source = TensorSource(
        section: .head, role: .policy, name: ModelFile.normalizationName, dims: [2], type: .float32,
        bytes: bytes)
      return try context.finish(
        draft, model.parameters.sources(.policy) + [source], as: Self.file)
    }
  }
}
