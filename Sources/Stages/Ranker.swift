import Dialogues
import Evaluation
import Inference
import Support
import World

/// Answers to one prompt that somebody ranks.
public struct RankingTask: Sendable {
  /// The prompt's number among those of the run.
  public let number: Int
  public let prompt: Prompt
  public let completions: [String]
  /// The model that wrote them.
  public let policy: String
  /// Whether the rankings are held out: then those rank, too, whom training never sees.
  public let isHeldOut: Bool
}

/// Who ranks answers: simulated labelers, people, a program.
public protocol Ranker {
  /// One ranking for each who ranks the task.
  func rank(_ task: RankingTask) throws -> [Comparison]
}

/// The built-in world's labelers, who rank by its rubric and with errors of their own. Of a task that is held out
/// there are two rankings, one of them by a labeler that training never sees.
struct SimulatedRanker: Ranker {
  private let world: World
  private let rubric: Rubric
  private let seed: UInt64

  init(_ world: World, seed: UInt64) {
    self.world = world
    rubric = Rubric(world)
    self.seed = seed
  }

  func rank(_ task: RankingTask) -> [Comparison] {
    (task.isHeldOut ? [Labeler.training, Labeler.heldOut] : [Labeler.training]).map { labelers in
      let labeler = labelers[task.number % labelers.count]
      var random = RandomStream(
        seed: seed, purpose: "rankings/\(labeler.id)", index: UInt64(task.number))
      return Comparison(
        prompt: task.prompt, completions: task.completions,
        ranks: labeler.rank(
          task.completions, for: world.item(.comparisons, task.number), by: rubric, stream: &random),
        labeler: labeler.id, policy: task.policy, item: task.isHeldOut ? task.number : nil)
    }
  }
}
