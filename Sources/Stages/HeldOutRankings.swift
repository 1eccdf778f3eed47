import Dialogues
import Evaluation
import Inference
import World

/// The held-out rankings of a run. Those of the built-in world have two lines a prompt: a training
/// labeler's, then that of one whom training never sees.
package struct HeldOutRankings {
  package let comparisons: [Comparison]
  private let world: (items: (Int) -> WorldItem, rubric: Rubric)?

  /// - Parameters:
  ///   - world: nil for the user's own rankings.
  ///   - settings: of the run that wrote them.
  package init(_ comparisons: [Comparison], world: World?, _ settings: Settings) {
    self.comparisons = comparisons
    self.world = world.map { world in
      // The prompts before these were ranked for training.
      let first = settings.count(.rankingPrompts)
      return ({ line in world.item(.comparisons, first + line / 2) }, Rubric(world))
    }
  }

  /// The rubric's grade of each answer in a line, where the line is of the built-in world.
  package func gold(_ line: Int) -> [Double]? {
    guard let world else { return nil }
    let item = world.items(line)
    let comparison = comparisons[line]
    guard item.prompt == comparison.prompt.turns else { return nil }
    return comparison.completions.map { world.rubric.grade($0, for: item).gold }
  }
}
