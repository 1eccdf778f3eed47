import Runs
import Training
import World

/// One answer with the rubric's grade, where there is a rubric.
package struct GradedAnswer {
  package let answer: Sampler.Answer
  package let grade: Grade?
}

/// A set of prompts with one model's answers to them.
package struct GradedAnswers {
  package let set: PromptSet
  /// [prompt][sample]
  package let byPrompt: [[GradedAnswer]]

  package var all: [GradedAnswer] { byPrompt.flatMap { $0 } }

  /// Mean of a figure of the grades over the answers that have it; nil where none has.
  package func mean(_ figure: (Grade) -> Double?) -> Double? { Self.mean(all, figure) }

  /// The same over the answers to some of the items.
  package func mean(to isWanted: (WorldItem) -> Bool, _ figure: (Grade) -> Double?) -> Double? {
    Self.mean(zip(set.items, byPrompt).filter { isWanted($0.0) }.flatMap(\.1), figure)
  }

  private static func mean(_ answers: [GradedAnswer], _ figure: (Grade) -> Double?) -> Double? {
    answers.compactMap { $0.grade.flatMap(figure) }.mean
  }

  /// How these answers fare against another model's to the same prompts, by the rubric.
  package func winRate(against others: GradedAnswers, seed: UInt64) -> Summary.WinRate {
    func gold(_ answer: GradedAnswer) -> Float { Float(answer.grade?.gold ?? 0) }
    let outcomes = zip(byPrompt, others.byPrompt).map { ours, theirs in
      zip(ours, theirs).map { Outcome(gold($0), against: gold($1)) }
    }
    let rate = Bootstrap.winRate(outcomes, seed: seed)
    return Summary.WinRate(
      mean: rate.mean, low: rate.low, high: rate.high, ties: rate.tieShare, n: rate.comparisons)
  }
}

extension [Double] {
  /// nil for an empty list.
  package var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }
}
