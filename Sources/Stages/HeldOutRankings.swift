import Dialogues
import Evaluation
import Inference
import World

/// The held-out rankings of a run. In the built-in world there are two lines per prompt: one from a training labeler,
/// then one from a held-out labeler.
package struct HeldOutRankings {
  package let comparisons: [Comparison]
  private let world: (items: (Int) -> WorldItem, rubric: Rubric)?

  /// - Parameters:
  ///   - world: nil for the user's own rankings.
  ///   - settings: the settings of the run that wrote the rankings.
  package init(_ comparisons: [Comparison], world: World?, _ settings: Settings) {
    self.comparisons = comparisons
    self.world = world.map { world in
      // The prompts before these were ranked for training.
      let first = settings.count(.rankingPrompts)
      return ({ line in world.item(.comparisons, first + line / 2) }, Rubric(world))
    }
  }

  /// The rubric's grade of each answer in a line; nil if the line is not from the built-in world.
  package func gold(_ line: Int) -> [Double]? {
    guard let world else { return nil }
    let item = world.items(line)
    let comparison = comparisons[line]
    guard item.prompt == comparison.prompt.turns else { return nil }
    return comparison.completions.map { world.rubric.grade($0, for: item).gold }
  }
}
