import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Tokenizers
import World

/// Evaluates the base, SFT and PPO models on held-out prompts, with the rubric and with the reward model.
public struct EvaluationStage {
  let context: StageContext
  let models: [(name: String, model: Model)]
  let reward: Model
  /// nil for a run on the user's own files, which has no rubric.
  let world: World?
  /// The user's held-out prompts; used if there is no world.
  let prompts: [Tokenized<Prompt>]
  /// Text for bits per byte; nil if there is none.
  let pretraining: DocumentSource?
  let comparisons: [Tokenized<Comparison>]
  /// The user's rankings that the reward model was trained on. The labelers' agreement is measured on them, too.
  let learnt: [Comparison]

  /// - Parameters:
  ///   - models: the others are compared with the one called "sft".
  ///   - comparisons: rankings held out from the reward model's training.
  public init(
    _ context: StageContext, models: [(name: String, model: Model)], reward: Model, world: World?,
    prompts: [Tokenized<Prompt>], pretraining: DocumentSource?, comparisons: [Tokenized<Comparison>],
    learnt: [Comparison]
  ) {
    self.context = context
    self.models = models
    self.reward = reward
    self.world = world
    self.prompts = prompts
    self.pretraining = pretraining
    self.comparisons = comparisons
    self.learnt = learnt
  }

  /// Runs the stage; writes `evaluation.json` and `samples.jsonl` and returns the figures.
  public func run() throws -> (
    models: [String: Summary.Model], rewardModel: Summary.RewardModel?
  ) {
    guard let sft = models.first(where: { $0.name == EvaluatedModel.baseline.key })?.model else {
      preconditionFailure("an evaluation without the SFT model")
    }
    let memory = try EvaluationMemory(sft.architecture, threads: context.threads)
    let reward = try RewardScorer(self.reward, memory.pass)
    let reference = try LogProbabilityScorer(sft, memory.pass)
    let sets = try self.sets()
    // All models of a run have the same tokenizer.
    let text = pretraining?.heldOut(
      options.documents, tokenizer: sft.tokenizer,
      context: sft.architecture.context)
    let progress = context.progress(Stage.eval.name, models.count * (sets.count + 1), 0)
    var step = 0
    var figures: [String: Summary.Model] = [:]
    var answers: [(name: String, sets: [GradedAnswers])] = []
    for (name, model) in models {
      let evaluator = AnswerEvaluator(
        model: model, weights: try model.weights(), generator: memory.generator,
        pass: memory.pass, options: options, seed: context.seed,
        rubric: world.map(Rubric.init), reference: reference, reward: reward)
      var graded: [GradedAnswers] = []
      for set in sets {
        graded.append(try evaluator.answers(to: set))
        step += 1
        progress.update(step: step)
        if context.isInterrupted() {
          progress.finish()
          throw context.interrupted()
        }
      }
      figures[name] = evaluator.figures(graded)
      if let text {
        figures[name]?.bitsPerByte = text.figures(memory.pass, evaluator.weights).bitsPerByte
        figures[name]?.count(text.bytes, of: .bitsPerByte)
      }
      answers.append((name, graded))
      step += 1
      progress.update(step: step)
    }
    progress.finish()
    compareWithSFT(&figures, answers)
    let assessment = try assess(reward)
    try write(EvaluationRecords(models: answers), assessment)
    return (figures, assessment.figures)
  }

  private var options: EvaluationOptions { EvaluationOptions(context.settings) }

  private func sets() throws -> [PromptSet] {
    guard let world else {
      // As in PPO, prompts must leave room for an answer.
      let fitting = ContextFit(reward.architecture.context)
        .prompts(prompts, responseLength: options.responseLength)
      return [PromptSet(own: fitting.map { prompts[$0.index].record }, options)]
    }
    return [.evaluation, .truthfulness, .harmlessness, .heldOutCategory].map {
      PromptSet($0, of: world, options)
    }
  }

  private func compareWithSFT(
    _ figures: inout [String: Summary.Model], _ answers: [(name: String, sets: [GradedAnswers])]
  ) {
    guard let sft = answers.first(where: { $0.name == EvaluatedModel.baseline.key }) else { return }
    for (name, sets) in answers where name != EvaluatedModel.baseline.key && !sets[0].all.isEmpty {
      if world == nil {
        figures[name]?.proxyWinRateVsSFT = sets[0].winRate(against: sft.sets[0]) { $0.proxy ?? 0 }
      } else {
        figures[name]?.winRateVsSFT = sets[0].winRate(against: sft.sets[0]) { Float($0.grade?.gold ?? 0) }
      }
    }
  }

  private func assess(_ reward: RewardScorer) throws -> (
    figures: Summary.RewardModel?, calibration: [EvaluationDetails.CalibrationBin]
  ) {
    let heldOut = comparisons.map(\.record)
    let rankings = HeldOutRankings(heldOut, world: world, context.settings)
    let assessment = try RewardAssessment(
      reward, comparisons, heldOutLabelers: world == nil ? [] : Set(Labeler.heldOut.map(\.id)),
      gold: rankings.gold)
    guard !assessment.isEmpty else { return (nil, []) }
    return (assessment.figures(agreement: LabelerAgreement(learnt + heldOut)), assessment.calibration)
  }

  private func write(
    _ records: EvaluationRecords,
    _ assessment: (figures: Summary.RewardModel?, calibration: [EvaluationDetails.CalibrationBin])
  ) throws {
    try context.run.write(records.samples)
    try context.run.write(
      EvaluationDetails(
        calibration: assessment.calibration,
        proxyGold: try RunRecords.read(context.run.path).probes(of: Stage.ppo.name),
        categories: world == nil ? [] : records.categories))
  }
}
