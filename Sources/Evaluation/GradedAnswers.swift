import Inference
import Runs
import Statistics
import World

/// One answer with the rubric's grade and the reward model's score, if they exist.
package struct GradedAnswer {
  package let answer: Sampler.Answer
  package let grade: Grade?
  package var proxy: Float?
}

/// A set of prompts with one model's answers to them.
package struct GradedAnswers {
  package let set: PromptSet
  /// [prompt][sample]
  package private(set) var byPrompt: [[GradedAnswer]]

  package var all: [GradedAnswer] { byPrompt.flatMap { $0 } }

  /// A figure of the grades, for all answers that have it.
  package func figures(_ figure: (Grade) -> Double?) -> [Double] {
    figures(to: { _ in true }, figure)
  }

  /// A figure of the grades, for the answers to some of the items.
  package func figures(to isWanted: (WorldItem) -> Bool, _ figure: (Grade) -> Double?) -> [Double] {
    zip(set.items, byPrompt).filter { isWanted($0.0) }.flatMap(\.1).compactMap { $0.grade.flatMap(figure) }
  }

  /// The same answers with the scores of a reward model.
  func scored(by reward: RewardScorer) -> GradedAnswers {
    var scores = reward.scores(all.map(\.answer.tokens))[...]
    var scored = self
    for prompt in byPrompt.indices {
      for sample in byPrompt[prompt].indices { scored.byPrompt[prompt][sample].proxy = scores.removeFirst() }
    }
    return scored
  }

  /// The win rate of these answers against another model's answers to the same prompts.
  /// - Parameter worth: the value by which two answers are compared.
  package func winRate(
    against others: GradedAnswers, by worth: (GradedAnswer) -> Float
  ) -> Summary.WinRate {
    let rate = WinRate(
      zip(byPrompt, others.byPrompt).map { ours, theirs in
        zip(ours, theirs).map { Outcome(worth($0), against: worth($1)) }
      })
    return Summary.WinRate(
      mean: rate.mean, low: rate.low, high: rate.high, ties: rate.tieShare, n: rate.comparisons,
      prompts: rate.prompts)
  }
}
