import Evaluation
import Inference
import Models
import Runs
import Stages
import Statistics
import World

/// The evaluation of one model's answers to held-out prompts, answer by answer.
struct StudyEvaluation: Codable {
  struct Answer: Codable {
    var gold: Double
    /// Whether the answer ended with the end token.
    var ended: Bool
    /// The reward model's score, if there is a reward model.
    var proxy: Double?
  }

  /// Answers to the main set: [prompt][sample].
  var answers: [[Answer]]
  /// The figures. Proxy reward and KL are from the main set; honest and harmless are from their own sets.
  var figures: Summary.Model

  private var grades: [[Double]] { answers.map { $0.map(\.gold) } }

  /// The mean grade of all answers; each prompt has the same weight.
  func gold() -> Double { grades.compactMap(\.mean).mean ?? 0 }

  /// The win rate of these answers against another model's answers to the same prompts, by the rubric.
  func winRate(against other: StudyEvaluation) -> WinRate { Self.winRate(grades, against: other.grades) }

  /// The win rate of our grades against theirs, both [prompt][sample]; each prompt has the same weight.
  static func winRate(_ ours: [[Double]], against theirs: [[Double]]) -> WinRate {
    WinRate(
      zip(ours, theirs).map { ours, theirs in
        zip(ours, theirs).map { Outcome(Float($0), against: Float($1)) }
      })
  }
}

extension Laboratory {
  /// Evaluates a model on held-out prompts, or reads the result from the cache file.
  ///
  /// - Parameters:
  ///   - name: the name of the cache file, after "examined-".
  ///   - reward: the reward model for the proxy reward.
  ///   - reference: the model that KL is measured against.
  ///   - bestOf: number of samples from which `reward` chooses each answer.
  ///   - splits: the first is the main set.
  func evaluate(
    _ name: String, model: String, reward: String? = nil, reference: String? = nil,
    bestOf: Int = 1, splits: [Split] = [.evaluation], settings: Settings? = nil
  ) throws -> StudyEvaluation {
    try cached("examined-\(name)") {
      let settings = settings ?? self.settings
      let model = try open(model)
      let scorer = try reward.map(scorer)
      var evaluator = try evaluator(model, settings)
      evaluator.reference = try reference.map {
        try LogProbabilityScorer(try open($0), threads: context.threads, precision: .float32)
      }
      evaluator.bestOf = bestOf > 1 ? scorer.map { BestOf(n: bestOf, reward: $0) } : nil
      let graded = try splits.map { try evaluator.answers(to: PromptSet($0, of: world, EvaluationOptions(settings))) }
      var figures = evaluator.figures(graded)
      figures.bitsPerByte =
        DocumentSource.world(world).heldOut(
          settings.count(.evaluationDocuments), tokenizer: model.tokenizer,
          context: model.architecture.context
        ).figures(evaluator.pass, evaluator.weights).bitsPerByte
      let answers = answers(graded[0].byPrompt, scorer)
      figures.proxyReward = answers.flatMap { $0 }.compactMap(\.proxy).mean
      return StudyEvaluation(answers: answers, figures: figures)
    }
  }

  /// Returns an examiner, which samples a model's answers to the world's prompts and grades them.
  func evaluator(_ model: Model, _ settings: Settings) throws -> AnswerEvaluator {
    let memory = try EvaluationMemory(model.architecture, threads: context.threads)
    return AnswerEvaluator(
      model: model, weights: try model.weights(), generator: memory.generator,
      pass: memory.pass, options: EvaluationOptions(settings), seed: seed, rubric: Rubric(world),
      reference: nil, reward: nil)
  }

  private func answers(_ graded: [[GradedAnswer]], _ reward: RewardScorer?)
    -> [[StudyEvaluation.Answer]]
  {
    var proxies = reward?.scores(graded.flatMap { $0.map(\.answer.tokens) })[...]
    return graded.map { graded in
      graded.compactMap { graded in
        let proxy = proxies?.popFirst().map { Double($0) }
        return graded.grade.map {
          StudyEvaluation.Answer(
            gold: $0.gold, ended: graded.answer.sample.finish == .stop, proxy: proxy)
        }
      }
    }
  }
}
