import Dialogues

/// Rankings by what they rank: a prompt and its answers, in any order.
struct RankedAnswers {
  private struct Key: Hashable {
    let prompt: Prompt
    let completions: [String]

    init(_ prompt: Prompt, _ completions: [String]) {
      self.prompt = prompt
      self.completions = completions.sorted()
    }
  }

  private let rankings: [Key: [Comparison]]

  init(_ comparisons: [Comparison]) {
    rankings = Dictionary(grouping: comparisons) { Key($0.prompt, $0.completions) }
  }

  /// The rankings of these answers, in the order of the answers; empty if there is none.
  func rankings(of answers: UnrankedAnswers) -> [Comparison] {
    let found = rankings[Key(answers.prompt, answers.completions)] ?? []
    return found.map { comparison in
      // Answers with the same text may have several ranks, which are then given in the ranking's order.
      var ranks = Dictionary(grouping: zip(comparison.completions, comparison.ranks), by: \.0)
        .mapValues { $0.map(\.1)[...] }
      return Comparison(
        prompt: answers.prompt, completions: answers.completions,
        ranks: answers.completions.map { ranks[$0]!.removeFirst() }, labeler: comparison.labeler,
        policy: answers.policy, seconds: comparison.seconds)
    }
  }
}
