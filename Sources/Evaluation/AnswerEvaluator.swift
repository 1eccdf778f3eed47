import Inference
import Models
import Runs
import Statistics
import Support
import Training
import World

/// Puts held-out prompts to a language model and measures its answers, for `eval` and for the
/// evaluation of a run alike.
package struct AnswerEvaluator {
  package let model: Model
  package let weights: TransformerWeights
  package let generator: Generator
  package let pass: SequencePass
  package let options: EvaluationOptions
  package let seed: UInt64
  /// nil where the prompts are the user's own.
  package let rubric: Rubric?
  /// What KL is measured against.
  package var reference: LogProbabilityScorer?
  /// What the proxy reward comes from.
  package let reward: RewardScorer?
  package var bestOf: BestOf?
  /// Of sampling; 0 takes the most probable token.
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

  /// The model's answers to a set of prompts, graded where there is a rubric; those to the main set are scored
  /// where there is a reward model.
  package func answers(to set: PromptSet) throws -> GradedAnswers {
    var options = SamplingOptions()
    options.maxNewTokens = self.options.responseLength
    options.temperature = temperature
    let answers = try Sampler(
      generator: generator, weights: weights, tokenizer: model.tokenizer, options: options,
      seed: seed, purpose: set.purpose, bestOf: bestOf
    ).answers(set.prompts, samples: set.samples)
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

  /// What can be said of the answers to these sets, of which the first is the main one.
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

  /// Mean over answers of Σ log π − log π_ref, in nats.
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
  /// Takes the mean of some values as a figure, with their number; no values are no figure.
  mutating func take(_ values: [Double], _ figure: WritableKeyPath<Self, Double?>, _ name: CodingKeys) {
    self[keyPath: figure] = values.mean
    if !values.isEmpty { count(values.count, of: name) }
  }

  /// Keeps what a figure is a mean over.
  package mutating func count(_ count: Int, of name: CodingKeys) { n = (n ?? [:]).merging([name.stringValue: count]) { $1 } }
}
