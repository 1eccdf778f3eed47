import Models
import Recipe
import Runs
import Training
import World

/// What one model's answers to held-out prompts are worth, answer by answer.
struct Examination: Codable {
  struct Answer: Codable {
    var gold: Double
    var helpful: Double
    var honest: Double?
    var harmless: Double?
    /// With the end token, if it came.
    var tokens: Int
    var words: Int
    /// Whether it ended by itself.
    var ended: Bool
    /// By the reward model, where there is one.
    var proxy: Double?
  }

  /// By the name of the split: [prompt][sample].
  var sets: [String: [[Answer]]]
  /// The main set's proxy reward and KL; honest and harmless of their own sets.
  var figures: Summary.Model

  func answers(_ split: Split = .evaluation) -> [[Answer]] { sets[split.rawValue] ?? [] }

  /// The mean grade of each prompt's answers.
  func goldByPrompt(_ split: Split = .evaluation) -> [Double] {
    answers(split).map { $0.reduce(0) { $0 + $1.gold } / Double(max(1, $0.count)) }
  }

  /// The mean grade of all.
  func gold(_ split: Split = .evaluation) -> Double { goldByPrompt(split).mean ?? 0 }

  /// How these answers fare against another model's to the same prompts, by the rubric.
  func winRate(
    against other: Examination, _ split: Split = .evaluation, seed: UInt64
  ) -> WinRate {
    Bootstrap.winRate(
      zip(answers(split), other.answers(split)).map { ours, theirs in
        zip(ours, theirs).map { Outcome(Float($0.gold), against: Float($1.gold)) }
      }, seed: seed)
  }
}

extension Laboratory {
  /// Puts held-out prompts to a model; once, and kept.
  ///
  /// - Parameters:
  ///   - name: of the file that keeps what was measured.
  ///   - reward: the proxy.
  ///   - reference: what KL is measured against.
  ///   - bestOf: answers that each is chosen among by `reward`.
  func examine(
    _ name: String, _ model: String, reward: String? = nil, reference: String? = nil,
    bestOf: Int = 1, splits: [Split] = [.evaluation], settings: Settings? = nil
  ) throws -> Examination {
    try kept("examined-\(name)") {
      let settings = settings ?? self.settings
      let model = try open(model)
      let memory = try EvaluationMemory(model.architecture, threads: context.threads)
      let scorer = try reward.map { try RewardScorer(try open($0), threads: context.threads) }
      let examiner = Examiner(
        model: model, weights: try model.weights(), generator: memory.generator,
        languageModel: memory.languageModel, settings: settings, seed: seed,
        rubric: Rubric(world),
        reference: try reference.map {
          try LogProbabilityScorer(try open($0), threads: context.threads, precision: .float32)
        },
        reward: scorer,
        bestOf: bestOf > 1 ? scorer.map { BestOf(n: bestOf, reward: $0) } : nil)
      let graded = try splits.map {
        try examiner.answers(to: PromptSet($0, of: world, settings))
      }
      var figures = examiner.figures(graded)
      figures.bitsPerByte =
        DocumentSource.world(world).heldOut(
          settings.count(.evaluationDocuments), tokenizer: model.tokenizer,
          context: model.architecture.context
        ).figures(memory.languageModel, examiner.weights).bitsPerByte
      let pairs = zip(splits, graded).map { ($0.rawValue, $1.byPrompt.map { answers($0, scorer) }) }
      return Examination(
        sets: Dictionary(uniqueKeysWithValues: pairs), figures: figures)
    }
  }

  private func answers(_ graded: [GradedAnswer], _ reward: RewardScorer?) -> [Examination.Answer] {
    let proxies = reward?.scores(graded.map(\.answer.tokens))
    return graded.enumerated().compactMap { index, graded in
      graded.grade.map { grade in
        Examination.Answer(
          gold: grade.gold, helpful: grade.helpful, honest: grade.honest, harmless: grade.harmless,
          tokens: graded.answer.sample.tokens.count,
          words: World.phraseWords(graded.answer.text).count,
          ended: graded.answer.sample.finish == .stop,
          proxy: proxies.map { Double($0[index]) })
      }
    }
  }
}
