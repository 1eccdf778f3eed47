import Dialogues
import Evaluation
import Inference
import Support
import World

/// Answers to one prompt that are to be ranked.
public struct RankingTask: Sendable {
  /// The prompt's number in the run.
  public let number: Int
  public let prompt: Prompt
  public let completions: [String]
  /// The name of the model that wrote the answers.
  public let policy: String
  /// Whether the rankings are held out from training; then held-out labelers rank them, too.
  public let isHeldOut: Bool
}

/// Something that ranks answers: simulated labelers, people, or a program.
public protocol Ranker {
  /// Returns one ranking for each labeler of the task.
  func rank(_ task: RankingTask) throws -> [Comparison]
}

/// Ranks with the built-in world's simulated labelers, who follow its rubric and make errors. A held-out task gets two
/// rankings: one by a training labeler, one by a held-out labeler.
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
        labeler: labeler.id, policy: task.policy)
    }
  }
}
