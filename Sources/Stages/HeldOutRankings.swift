import Dialogues
import World

/// The held-out rankings of a run. Each one of the built-in world's names its item.
package struct HeldOutRankings {
  package let comparisons: [Comparison]
  private let world: World?
  private let rubric: Rubric?

  /// - Parameter world: nil for the user's own rankings.
  package init(_ comparisons: [Comparison], world: World?) {
    self.comparisons = comparisons
    self.world = world
    rubric = world.map(Rubric.init)
  }

  /// The rubric's grade of each answer of a comparison; nil if it is not one of the built-in world's.
  package func gold(_ index: Int) -> [Double]? {
    let comparison = comparisons[index]
    guard let world, let rubric, let number = comparison.item else { return nil }
    let item = world.item(.comparisons, number)
    guard item.prompt == comparison.prompt.turns else { return nil }
    return comparison.completions.map { rubric.grade($0, for: item).gold }
  }
}
