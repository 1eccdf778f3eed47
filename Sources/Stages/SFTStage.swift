import Checkpoints
import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Support
import Tensors
import Tokenizers
import Training

/// Supervised fine-tuning on demonstrations: loss on the completion, end token included.
public struct SFTStage {
  public static let file = EvaluatedModel.sft.file

  let context: StageContext
  let base: Model
  let data: Data
  let reward: Model?

  /// - Parameters:
  ///   - base: mapped copy-on-write; trained in place.
  ///   - reward: the reward model that chooses the epoch by its scores of answers to held-out prompts; nil for the last
  ///     epoch.
  public init(_ context: StageContext, base: Model, data: Data, reward: Model? = nil) {
    self.context = context
    self.base = base
    self.data = data
    self.reward = reward
  }

  /// Demonstrations for training and for validation.
  public struct Data {
    let demonstrations: [Tokenized<Demonstration>]
    let validation: [Tokenized<Demonstration>]
    /// The user's file of demonstrations.
    let place: String?
    /// The file of the validation demonstrations.
    let validationPlace: String?
    let source: Provenance.Source
    /// Which rows of the user's file are held out; nil for the world's demonstrations, or if `validation` was given.
    public let heldOut: Summary.HeldOutRows?

    /// - Parameters:
    ///   - own: the user's demonstrations; nil for the built-in world's.
    ///   - place: the file of `own`.
    ///   - validation: the user's validation demonstrations; nil for a tenth of `own`.
    ///   - validationPlace: the file of `validation`.
    /// - Throws: `Failure(.usage)` if there are no demonstrations and the base has no world.
    public init(
      _ own: [Tokenized<Demonstration>]?, at place: String?, validation: [Tokenized<Demonstration>]? = nil,
      at validationPlace: String? = nil, base: Model, settings: Settings, threads: Int
    ) throws {
      self.place = place
      self.validationPlace = validationPlace ?? place
      if let own {
        let (training, heldOut) = RecipeData.split(own)
        demonstrations = validation == nil ? training : own
        self.validation = validation ?? heldOut
        self.heldOut = validation == nil ? .demonstrations(heldOut.count, of: own.count) : nil
      } else {
        heldOut = nil
        let world = try base.world(insteadOf: "--demonstrations")
        demonstrations = try RecipeData.demonstrations(world, settings.count(.sftDemonstrations))
          .tokenized(base.tokenizer, threads: threads)
        self.validation =
          try validation ?? RecipeData.validation(world).tokenized(base.tokenizer, threads: threads)
      }
      source = try .init(
        name: own == nil ? "world" : "demonstrations", records: demonstrations.map(\.record), threads: threads)
    }
  }

  /// The objectives by their names, and the metric of each one's loss.
  private static var objectives: [String: (type: any TokenObjective.Type, loss: Metric)] {
    [
      "nll": (LanguageModelObjective.self, .trainingLoss),
      "dft": (
        DynamicFineTuningObjective.self,
        Metric(
          "loss/dft", unit: "nats per token",
          chart: .init("Loss of dynamic fine-tuning", place: 12, line: "training, weighted by probability"))
      ),
    ]
  }

  /// Runs or continues the stage; writes `sft.trlhf`.
  public func run() throws -> StageResult {
    try base.requireLanguageModel("a language model to fine-tune")
    let settings = context.settings
    let architecture = base.architecture
    let fit = ContextFit(architecture.context)
    let (sequences, usable) = fit.demonstrations(data.demonstrations)
    try requireUsable(
      usable, of: data.demonstrations.count,
      "demonstrations fit the context of \(architecture.context) tokens", at: data.place,
      remedy: "Use a model with a longer context, or shorter texts.", note: context.note)
    let heldOut = fit.demonstrations(data.validation).sequences
    let batch = min(settings.count(.sftBatch), sequences.count)
    let parameters = try base.parameters()
    let memory = try LanguageModelMemory(
      architecture, parameters: parameters,
      tokens: ContextFit.largestStep(sequences.map(\.tokens.count), batch: batch), name: "sft",
      threads: context.threads)
    let (model, trainer) = (memory.model, memory.trainer)
    let order = EpochOrder(
      count: sequences.count, batch: batch, seed: context.seed, purpose: "sft/order")
    let answers = try heldOutAnswers(memory.runtime)
    let objective = Self.objectives[settings.choice(.sftLoss)]!
    let loop = TrainingLoop(
      context: context, stage: .sft, total: order.steps(epochs: settings.count(.sftEpochs)),
      shown: [(objective.loss, "loss", 3), (.validationLoss, "validation", 3)]
        + (answers == nil ? [] : [(Self.proxy, "proxy", 2)]),
      measure: answers == nil ? .init(metric: .validationLoss) : Self.choice)
    var draft = try context.draft(
      .sft, kind: .sft, architecture, base.tokenizer, step: loop.total,
      parents: [base] + (reward.map { [$0] } ?? []), data: data.source,
      configuration: answers == nil ? [:] : Self.answerLength(settings))
    let best = try loop.run(
      model, Schedule(.cosine, peak: settings[.sftRate], floor: 0.1), draft, validateEvery: 10,
      step: { step, rate in
        let (loss, norm) = try trainer.step(
          model, order.batch(step).map { sequences[$0] }, learningRate: rate,
          dropout: dropout(step), objective: objective.type)
        var metrics: [Metric: Double] = [
          objective.loss: loss, .gradientNorm: norm,
          Metric("epoch"): Double(step + 1) / Double(order.stepsPerEpoch),
        ]
        if let answers, order.endsEpoch(step) {
          metrics[Self.proxy] = try answers.score(model.weights)
        }
        return metrics
      },
      validate: {
        guard !heldOut.isEmpty else { return [:] }
        let (sum, count) = trainer.pass.negativeLogLikelihood(model.weights, heldOut)
        return [.validationLoss: sum / Double(max(1, count))]
      })
    if let best, let answers { recordChosenEpoch(best, of: order, answers, &draft) }
    return try context.finish(draft, model.parameters.sources(.policy), as: Self.file)
  }

  /// The answers by which the epoch is chosen; nil if the result is the last epoch.
  private func heldOutAnswers(_ runtime: ModelRuntime) throws -> HeldOutAnswers? {
    try reward.map {
      try HeldOutAnswers(
        runtime, data.validation.map(\.record.prompt), at: data.validationPlace, of: base, by: $0, context)
    }
  }

  /// Logs the chosen epoch and records it in the checkpoint's provenance.
  private func recordChosenEpoch(
    _ best: (step: Int, value: Double), of order: EpochOrder, _ answers: HeldOutAnswers,
    _ draft: inout CheckpointDraft
  ) {
    let epoch = best.step / order.stepsPerEpoch
    draft.step = best.step
    draft.provenance.notes["chosen"] = .object([
      "epoch": .number(Double(epoch)), "prompts": .number(Double(answers.prompts.count)),
      Self.proxy.name: .number(best.value),
    ])
    context.note(
      "epoch \(epoch) of \(context.settings.count(.sftEpochs)) is chosen: its answers to "
        + "\(answers.prompts.count) held-out prompts have the highest mean score of the reward model, "
        + "\(Formatting.fixed(best.value, 3)); later epochs with the same score do not replace it")
  }

  /// The metric with the mean score of answers to held-out prompts, measured once per epoch.
  private static let proxy = Metric("eval/proxy", unit: "reward", better: .higher)
  private static let choice = Retention.Measure(
    metric: proxy, decides: true)

  /// The setting of another stage on which the choice of the epoch depends.
  private static func answerLength(_ settings: Settings) -> [String: JSONValue] {
    let length = Parameter.responseLength
    return [length.name: length.json(settings[length])]
  }

  /// The dropout of a step; nil for none.
  private func dropout(_ step: Int) -> Dropout? {
    let probability = context.settings[.sftDropout]
    guard probability > 0 else { return nil }
    var random = RandomStream(seed: context.seed, purpose: "sft/dropout", index: UInt64(step))
    return Dropout(
      probability: probability, key: UInt64(random.next()) << 32 | UInt64(random.next()))
  }
}
