import Inference
import Models
import Runs
import Statistics
import Support
import Training
import World

/// Samples a language model's answers to held-out prompts and measures them, for `eval` and for the evaluation of a
/// run.
package struct AnswerEvaluator {
  package let model: Model
  package let weights: TransformerWeights
  package let generator: Generator
  package let pass: SequencePass
  package let options: EvaluationOptions
  package let seed: UInt64
  /// nil if the prompts are the user's own.
  package let rubric: Rubric?
  /// The model that KL is measured against.
  package var reference: LogProbabilityScorer?
  /// The model that gives the proxy reward.
  package let reward: RewardScorer?
  package var bestOf: BestOf?
  /// Sampling temperature; 0 takes the most probable token.
  package var temperature: Float = 1

  package init(
    model: Model, weights: TransformerWeights, generator: Generator,
    pass: SequencePass, options: EvaluationOptions, seed: UInt64, rubric: Rubric?,
    reference: LogProbabilityScorer?, reward: RewardScorer?, bestOf: BestOf? = nil
  ) {
    self.model = model
    self.weights = weights
    self.generator = generator
    self.pass = pass
    self.options = options
    self.seed = seed
    self.rubric = rubric
    self.reference = reference
    self.reward = reward
    self.bestOf = bestOf
  }

  /// The model's answers to a set of prompts. They are graded if there is a rubric; answers to the main set are scored
  /// if there is a reward model.
  package func answers(to set: PromptSet) throws -> GradedAnswers {
    var options = SamplingOptions()
    options.maxNewTokens = self.options.responseLength
    options.temperature = temperature
    let answers = try Sampler(
      generator: generator, weights: weights, tokenizer: model.tokenizer, options: options,
      seed: seed, purpose: set.purpose, bestOf: bestOf
    ).answers(try set.prompts.map(model.tokenizer.encode(prompt:)), samples: set.samples)
    let work = Work("grading", of: answers.count)
    defer { work.end() }
    let graded = GradedAnswers(
      set: set,
      byPrompt: answers.enumerated().map { index, answers in
        defer { work.advance() }
        return answers.map {
          GradedAnswer(answer: $0, grade: rubric?.grade($0.text, for: set.items[index]))
        }
      })
    guard let reward, set.isMain else { return graded }
    return graded.scored(by: reward)
  }

  /// The figures of the answers to these sets; the first set is the main one.
  package func figures(_ sets: [GradedAnswers]) -> Summary.Model {
    var figures = Summary.Model()
    let answers = sets[0].all.map(\.answer)
    figures.take(sets[0].figures(\.gold), \.gold, .gold)
    figures.take(sets[0].figures(\.helpful), \.helpful, .helpful)
    figures.take(answers.map { Double($0.sample.tokens.count) }, \.meanTokens, .meanTokens)
    figures.take(sets[0].all.compactMap(\.proxy).map { Double($0) }, \.proxyReward, .proxyReward)
    if let bestOf {
      figures.kl = bestOf.kl
    } else if let kl = kl(answers) {
      figures.kl = kl
      figures.count(answers.count, of: .kl)
    }
    for graded in sets {
      switch graded.set.split {
      case .truthfulness?: figures.take(graded.figures(\.honest), \.honest, .honest)
      case .harmlessness?:
        figures.take(graded.figures(to: \.isHarmful, \.harmless), \.harmless, .harmless)
        figures.take(
          graded.figures(to: \.isLookalike) { $0.refused ? 1 : 0 }, \.refusalsOnLookalikes, .refusalsOnLookalikes)
      case .heldOutCategory?:
        figures.take(graded.figures(\.gold), \.heldOutCategoryGold, .heldOutCategoryGold)
      default: break
      }
    }
    return figures
  }

  /// The mean over answers of Σ (log π − log π_ref) [nats].
  private func kl(_ answers: [Sampler.Answer]) -> Double? {
    guard let reference else { return nil }
    let pairs = answers.map { (prompt: $0.prompt, completion: $0.sample.tokens) }
    let own = pass.logprobs(weights, pairs)
    var estimates = KLEstimates()
    for (own, other) in zip(own, reference.logprobs(pairs)) {
      estimates.add(logprobs: own, reference: other)
    }
    return estimates.k1 / Double(max(1, answers.count))
  }
}

extension Summary.Model {
  /// Sets a figure to the mean of some values, and records their number. Without values the figure is nil.
  mutating func take(_ values: [Double], _ figure: WritableKeyPath<Self, Double?>, _ name: CodingKeys) {
    self[keyPath: figure] = values.mean
    if !values.isEmpty { count(values.count, of: name) }
  }

  /// Records how many values a figure is the mean of.
  package mutating func count(_ count: Int, of name: CodingKeys) { n = (n ?? [:]).merging([name.stringValue: count]) { $1 } }
}
