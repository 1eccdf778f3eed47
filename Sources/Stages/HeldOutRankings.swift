import Dialogues
import World

/// The held-out rankings of a run. Each one of the built-in world's names its item.
package struct HeldOutRankings {
  package let comparisons: [Comparison]
  private let world: World?
  private let rubric: Rubric?
  /// The item of the first line of runs of older versions, which have two lines an item and name none.
  private let first: Int

  /// - Parameters:
  ///   - world: nil for the user's own rankings.
  ///   - settings: of the run that wrote them.
  package init(_ comparisons: [Comparison], world: World?, _ settings: Settings) {
    self.comparisons = comparisons
    self.world = world
    rubric = world.map(Rubric.init)
    first = settings.count(.rankingPrompts)
  }

  /// The built-in world's item of a comparison; nil if it is not one of the built-in world's.
  package func item(_ index: Int) -> (number: Int, item: WorldItem)? {
    let number = comparisons[index].item ?? first + index / 2
    guard let world, number >= 0 else { return nil }
    let item = world.item(.comparisons, number)
    return item.prompt == comparisons[index].prompt.turns ? (number, item) : nil
  }

  /// The rubric's grade of each answer of a comparison; nil if it is not one of the built-in world's.
  package func gold(_ index: Int) -> [Double]? {
    guard let rubric, let item = item(index)?.item else { return nil }
    return comparisons[index].completions.map { rubric.grade($0, for: item).gold }
  }
}
