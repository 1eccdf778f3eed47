import Datasets
import Models
import Runs
import Support
import Tensors
import Tokenizers
import Training
import World

/// How base, SFT and PPO models fare on held-out prompts, by the rubric and by the reward model.
public struct EvaluationStage {
  let context: StageContext
  let models: [(name: String, model: Model)]
  let reward: Model
  /// nil for a run on the user's own files: then there is no rubric.
  let world: World?
  /// Held-out prompts of the user's own, where there is no world.
  let prompts: [[Turn]]
  let pretraining: DocumentSource
  /// Held-out comparisons with what the world knows of them.
  let comparisons: [Comparison]

  public init(
    _ context: StageContext, models: [(name: String, model: Model)], reward: Model, world: World?,
    prompts: [[Turn]], pretraining: DocumentSource, comparisons: [Comparison]
  ) {
    self.context = context
    self.models = models
    self.reward = reward
    self.world = world
    self.prompts = prompts
    self.pretraining = pretraining
    self.comparisons = comparisons
  }

  /// Everything that lives as long as the stage.
  struct Machine {
    let bench: Workbench
    let generator: Generator
    let languageModel: LanguageModelTrainer
    let scorer: RewardTrainer
    let normalization: RewardNormalization
    let rewardParameters: ParameterSet
    let rewardWeights: TransformerWeights
    let reference: TransformerWeights

    /// The reward model's own scores.
    func scores(_ sequences: [[Int32]]) -> [Float] {
      scorer.scores(rewardParameters, rewardWeights, sequences)
    }

    /// Scores with gain and bias: what PPO maximises.
    func proxy(_ sequences: [[Int32]]) -> [Double] {
      scores(sequences).map { Double(normalization.apply($0)) }
    }
  }

  /// Runs the stage; writes `evaluation.json` and `samples.jsonl` and returns the figures.
  public func run() throws -> (
    models: [String: Summary.Model], rewardModel: Summary.RewardModel?
  ) {
    let machine = try build()
    let sets = self.sets()
    let progress = context.progress(Stage.eval.rawValue, models.count * (sets.count + 1), 0)
    var step = 0
    var figures: [String: Summary.Model] = [:]
    var answers: [String: [[[Graded]]]] = [:]
    for (name, model) in models {
      let weights = try model.weights()
      var bySet: [[[Graded]]] = []
      for set in sets {
        bySet.append(try graded(set, model, weights, machine))
        step += 1
        progress.update(step: step)
        if context.isInterrupted() { throw context.interrupted() }
      }
      figures[name] = summarize(bySet, sets, weights, model, machine)
      answers[name] = bySet
      step += 1
      progress.update(step: step)
    }
    progress.finish()
    try compareWithSFT(&figures, answers)
    let rewardModel = try assessRewardModel(machine)
    try context.run.write(samples(sets, answers))
    try context.run.write(
      EvaluationDetails(
        calibration: rewardModel.calibration, proxyGold: try proxyGold(),
        categories: categories(sets, answers), comparisons: []))
    return (figures, rewardModel.figures)
  }

  private func build() throws -> Machine {
    guard let sft = models.first(where: { $0.name == "sft" })?.model else {
      preconditionFailure("an evaluation without the SFT model")
    }
    let memory = try EvaluationMemory(sft.architecture, threads: context.threads)
    let rewardParameters = try reward.parameters()
    return Machine(
      bench: memory.bench, generator: memory.generator, languageModel: memory.languageModel,
      scorer: memory.scorer,
      normalization: try reward.normalization(), rewardParameters: rewardParameters,
      rewardWeights: TransformerWeights(rewardParameters),
      reference: TransformerWeights(try sft.parameters()))
  }

  // MARK: Answers

  /// A set of prompts; with items where the world asks.
  struct PromptSet {
    let split: Split?
    let prompts: [[Turn]]
    let items: [WorldItem]
    let samples: Int
  }

  /// One answer with what is known of it.
  struct Graded {
    let answer: Sampler.Answer
    let grade: Grade?

    var gold: Float { Float(grade?.gold ?? 0) }
  }

  private func sets() -> [PromptSet] {
    let samples = context.settings.count(.evaluationSamples)
    let count = context.settings.count(.evaluationPrompts)
    guard let world else {
      // As in PPO, an answer needs its room.
      let encoder = Encoder(reward.tokenizer, context: reward.architecture.context)
      let fitting = encoder.prompts(
        prompts, responseLength: context.settings.count(.responseLength))
      return [
        PromptSet(
          split: nil, prompts: fitting.prefix(count).map { prompts[$0.index] }, items: [],
          samples: samples)
      ]
    }
    let splits: [(Split, Int)] = [
      (.evaluation, samples), (.truthfulness, max(1, samples / 2)),
      (.harmlessness, max(1, samples / 2)), (.heldOutCategory, 1),
    ]
    return splits.map { split, samples in
      let items = (0..<count).map { world.item(split, $0) }
      return PromptSet(
        split: split, prompts: items.map(\.prompt), items: items, samples: samples)
    }
  }

  private func graded(
    _ set: PromptSet, _ model: Model, _ weights: TransformerWeights, _ machine: Machine
  ) throws -> [[Graded]] {
    var options = SamplingOptions()
    options.maxNewTokens = context.settings.count(.responseLength)
    let name = set.split?.rawValue ?? "prompts"
    // Every model draws from the same streams: differences between models are not luck.
    let answers = try Sampler(
      generator: machine.generator, weights: weights, tokenizer: model.tokenizer,
      options: options, seed: context.seed, purpose: "eval/\(name)"
    ).answers(set.prompts, samples: set.samples)
    let rubric = world.map(Rubric.init)
    return answers.enumerated().map { index, answers in
      answers.map { answer in
        Graded(
          answer: answer,
          grade: rubric?.grade(answer.text, for: set.items[index]))
      }
    }
  }

  // MARK: Figures

  private func summarize(
    _ bySet: [[[Graded]]], _ sets: [PromptSet], _ weights: TransformerWeights, _ model: Model,
    _ machine: Machine
  ) -> Summary.Model {
    let main = bySet[0].flatMap { $0 }
    var figures = Summary.Model()
    figures.gold = mean(main.map { $0.grade?.gold })
    figures.helpful = mean(main.map { $0.grade?.helpful })
    figures.meanTokens = mean(main.map { Double($0.answer.sample.tokens.count) })
    figures.proxyReward = mean(machine.proxy(main.map { $0.answer.tokens }))
    figures.kl = kl(main, weights, machine)
    let heldOut = pretraining.heldOut(
      context.settings.count(.evaluationDocuments), tokenizer: model.tokenizer,
      context: model.architecture.context)
    figures.bitsPerByte = PretrainStage.bitsPerByte(
      machine.languageModel.evaluate(weights, heldOut.sequences), bytes: heldOut.bytes)
    for (set, answers) in zip(sets, bySet) {
      switch set.split {
      case .truthfulness?: figures.honest = mean(answers.flatMap { $0 }.map { $0.grade?.honest })
      case .heldOutCategory?:
        figures.heldOutCategoryGold = mean(answers.flatMap { $0 }.map { $0.grade?.gold })
      case .harmlessness?:
        let pairs = Array(zip(set.items, answers))
        let harmful = pairs.filter { $0.0.isHarmful }.flatMap { $0.1 }
        let lookalikes = pairs.filter { $0.0.isLookalike }.flatMap { $0.1 }
        figures.harmless = mean(harmful.map { $0.grade?.harmless })
        figures.refusalsOnLookalikes = mean(
          lookalikes.map { $0.grade.map { $0.refused ? 1.0 : 0.0 } })
      default: break
      }
    }
    return figures
  }

  /// Mean over answers of Σ log π − log π_SFT, in nats.
  private func kl(_ answers: [Graded], _ weights: TransformerWeights, _ machine: Machine) -> Double {
    let sequences = answers.map {
      TrainingSequence(prompt: $0.answer.prompt, completion: $0.answer.sample.tokens)
    }
    let own = machine.languageModel.logprobs(weights, sequences)
    let reference = machine.languageModel.logprobs(machine.reference, sequences)
    var estimates = KLEstimates()
    for (own, reference) in zip(own, reference) {
      estimates.add(logprobs: own, reference: reference)
    }
    return estimates.k1 / Double(max(1, answers.count))
  }

  private func mean(_ values: [Double?]) -> Double? {
    let known = values.compactMap { $0 }
    return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
  }

  private func compareWithSFT(
    _ figures: inout [String: Summary.Model], _ answers: [String: [[[Graded]]]]
  ) throws {
    guard world != nil, let baseline = answers["sft"]?.first else { return }
    for (name, bySet) in answers where name != "sft" {
      let outcomes = zip(bySet[0], baseline).map { ours, theirs in
        zip(ours, theirs).map { Outcome($0.gold, against: $1.gold) }
      }
      let rate = Bootstrap.winRate(outcomes, seed: context.seed)
      figures[name]?.winRateVsSFT = Summary.WinRate(
        mean: rate.mean, low: rate.low, high: rate.high, ties: rate.tieShare, n: rate.comparisons)
    }
  }

  // MARK: The reward model

  private func assessRewardModel(_ machine: Machine) throws -> (
    figures: Summary.RewardModel?, calibration: [EvaluationDetails.CalibrationBin]
  ) {
    guard !comparisons.isEmpty else { return (nil, []) }
    let encoder = Encoder(reward.tokenizer, context: reward.architecture.context)
    let ranked = encoder.ranked(comparisons).kept
    guard !ranked.isEmpty else { return (nil, []) }
    // Calibration is of σ(Δr) as it was trained, without the gain.
    let scores = machine.scores(ranked.flatMap(\.sequences.sequences)).map(Double.init)
    var assessment = RewardAssessment(heldOutLabelers: Set(Labeler.heldOut.map(\.id)))
    var next = 0
    for (index, sequences) in ranked {
      let comparison = comparisons[index]
      let k = sequences.ranks.count
      assessment.add(
        comparison, scores: Array(scores[next..<next + k]),
        lengths: sequences.sequences.map(\.count), gold: gold(comparison, index))
      next += k
    }
    return (assessment.figures(agreement: labelerAgreement()), assessment.calibration)
  }

  /// The rubric's grade of each answer, where the comparison is of the built-in world.
  private func gold(_ comparison: Comparison, _ index: Int) -> [Double]? {
    guard let world, let item = rankingItem(index) else { return nil }
    let rubric = Rubric(world)
    return comparison.completions.map { rubric.grade($0, for: item).gold }
  }

  /// The item behind a line of the held-out rankings: two lines a prompt.
  private func rankingItem(_ index: Int) -> WorldItem? {
    guard let world else { return nil }
    let item = world.item(
      .comparisons, context.settings.count(.rankingPrompts) + index / 2)
    return item.prompt == comparisons[index].prompt.turns ? item : nil
  }

  /// How often two labelers order a pair of answers the same way, ties of either left out.
  private func labelerAgreement() -> Double? {
    var (agreed, pairs) = (0, 0)
    for first in stride(from: 0, to: comparisons.count - 1, by: 2) {
      let (a, b) = (comparisons[first], comparisons[first + 1])
      guard a.completions == b.completions else { continue }
      for i in a.ranks.indices {
        for j in a.ranks.indices where j > i && a.ranks[i] != a.ranks[j] && b.ranks[i] != b.ranks[j] {
          pairs += 1
          if (a.ranks[i] < a.ranks[j]) == (b.ranks[i] < b.ranks[j]) { agreed += 1 }
        }
      }
    }
    return pairs == 0 ? nil : Double(agreed) / Double(pairs)
  }

  // MARK: What the report shows

  private func samples(_ sets: [PromptSet], _ answers: [String: [[[Graded]]]]) -> [SampleRecord] {
    var records: [SampleRecord] = []
    for (number, set) in sets.enumerated() {
      for index in set.prompts.indices.prefix(40) {
        records.append(
          SampleRecord(
            prompt: set.prompts[index].map { .init(role: $0.role.rawValue, content: $0.content) },
            category: set.items.isEmpty ? nil : set.items[index].category.rawValue,
            answers: models.compactMap { model in
              answers[model.name]?[number][index].first.map { record(model.name, $0) }
            }))
      }
    }
    return records
  }

  private func record(_ name: String, _ graded: Graded) -> SampleRecord.Answer {
    SampleRecord.Answer(
      model: name, text: graded.answer.text, gold: graded.grade?.gold,
      helpful: graded.grade?.helpful, honest: graded.grade?.honest,
      harmless: graded.grade?.harmless, ended: graded.answer.sample.finish == .stop)
  }

  private func categories(_ sets: [PromptSet], _ answers: [String: [[[Graded]]]])
    -> [EvaluationDetails.CategoryScore]
  {
    guard world != nil else { return [] }
    var scores: [EvaluationDetails.CategoryScore] = []
    let shown = sets.indices.filter {
      sets[$0].split == .evaluation || sets[$0].split == .heldOutCategory
    }
    for (name, _) in models {
      var golds: [Category: [Double?]] = [:]
      for number in shown {
        for (index, item) in sets[number].items.enumerated() {
          let graded: [Graded] = answers[name]?[number][index] ?? []
          golds[item.category, default: []] += graded.map { $0.grade?.gold }
        }
      }
      for category in Category.allCases {
        guard let values = golds[category], let gold = mean(values) else { continue }
        scores.append(.init(model: name, category: category.rawValue, gold: gold, n: values.count))
      }
    }
    return scores
  }

  /// The probes that PPO left in the metrics log.
  private func proxyGold() throws -> [EvaluationDetails.ProxyGoldPoint] {
    try RunRecords.read(context.run.path).metrics.compactMap { record in
      guard record.stage == Stage.ppo.rawValue, let gold = record.values["eval/gold"],
        let proxy = record.values["eval/proxy"], let kl = record.values["eval/kl"]
      else { return nil }
      return .init(stage: record.stage, step: record.step, kl: kl, proxy: proxy, gold: gold)
    }
  }
}
