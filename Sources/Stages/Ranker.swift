import Dialogues
import Evaluation
import Support
import World

/// Answers to one prompt that are to be ranked.
public struct RankingTask: Sendable {
  /// The prompt's number in the run.
  public let number: Int
  /// The prompt, the answers, and the model that wrote them.
  public let answers: UnrankedAnswers
  /// Whether the rankings are held out from training; then held-out labelers rank them, too.
  public let isHeldOut: Bool
}

/// Ranks answers: simulated labelers, a file that people write, or a program.
public protocol Ranker {
  /// Ranks the answers of all tasks, in order.
  /// - Parameter advance: called after each task; it may throw to stop.
  /// - Returns: for each task one ranking or several, each of another labeler.
  func rank(_ tasks: [RankingTask], advance: () throws -> Void) throws -> [[Comparison]]
}

/// Which ranker a run uses.
public enum RankerChoice: Equatable, Sendable {
  case simulated
  /// A file of rankings that people write.
  case file(String)
  /// A command of the shell that answers lines.
  case program(String)

  /// Reads `simulated`, `file:FILE` or `program:COMMAND`; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.dropFirst().first) {
    case ("simulated", nil): self = .simulated
    case ("file", let path?): self = .file(path)
    case ("program", let command?): self = .program(command)
    default: return nil
    }
  }

  /// The text that `init` reads.
  public var text: String {
    switch self {
    case .simulated: "simulated"
    case .file(let path): "file:\(path)"
    case .program(let command): "program:\(command)"
    }
  }

  /// The ranker of a run.
  func ranker(_ context: StageContext, _ world: World) throws -> any Ranker {
    switch self {
    case .simulated: SimulatedRanker(world, seed: context.seed)
    case .file(let path): FileRanker(path: path, context)
    case .program(let command): try ProgramRanker(command: command, context)
    }
  }
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

  func rank(_ tasks: [RankingTask], advance: () throws -> Void) throws -> [[Comparison]] {
    try tasks.map { task in
      let rankings = rank(task)
      try advance()
      return rankings
    }
  }

  private func rank(_ task: RankingTask) -> [Comparison] {
    (task.isHeldOut ? [Labeler.training, Labeler.heldOut] : [Labeler.training]).map { labelers in
      let labeler = labelers[task.number % labelers.count]
      var random = RandomStream(
        seed: seed, purpose: "rankings/\(labeler.id)", index: UInt64(task.number))
      return Comparison(
        prompt: task.answers.prompt, completions: task.answers.completions,
        ranks: labeler.rank(
          task.answers.completions, for: world.item(.comparisons, task.number), by: rubric, stream: &random),
        labeler: labeler.id, policy: task.answers.policy)
    }
  }
}
