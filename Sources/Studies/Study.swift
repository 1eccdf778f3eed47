import Dialogues
import Evaluation
import Inference
import Runs
import Support

/// An experiment on the recipe: does a published effect appear in the built-in world?
///
/// `measure` does the slow work for one seed. `conclude` only reads rows, so that a study's conclusions can be tested
/// on invented rows.
public protocol Study: Sendable {
  /// The name on the command line.
  var name: String { get }
  /// The study's question, in one sentence.
  var question: String { get }
  /// Number of seeds if `--seeds` is not given.
  var seeds: Int { get }
  /// The columns of `study.csv` after the seed, labels first.
  var columns: [String] { get }

  /// Trains and measures everything for the laboratory's seed.
  func measure(_ laboratory: Laboratory) throws -> [StudyRow]
  /// Draws the conclusion from the rows of all seeds.
  func conclude(_ rows: StudyRows) -> StudyFinding
}

/// A study that can also use the user's own files. `conclude` reads their rows like the world's; columns that need a
/// rubric are empty.
public protocol FileStudy: Study {
  /// Whether the study examines a given reward model; if false, it trains its own.
  var takesReward: Bool { get }

  /// Checks the files before any work is done.
  /// - Throws: `Failure(.badData)` if the files cannot answer the question with this seed.
  func check(_ files: StudyFiles, seed: UInt64) throws

  /// Trains and measures everything on the user's files for the workshop's seed.
  func measure(_ files: StudyFiles, _ workshop: Workshop) throws -> [StudyRow]
}

/// The user's own files, used instead of the built-in world.
public struct StudyFiles {
  public var comparisons: [Comparison]
  /// The file of the comparisons.
  public var place: String
  /// The reward model to examine, if the study takes one.
  public var reward: RewardScorer?

  public init(comparisons: [Comparison], at place: String, reward: RewardScorer?) {
    self.comparisons = comparisons
    self.place = place
    self.reward = reward
  }

  /// Hashes that must be the same when a study is resumed, by name, in hexadecimal: the hash of the comparisons'
  /// contents, and the reward model's identity.
  public func hashes(threads: Int) throws -> [(String, String)] {
    let comparisons = try Provenance.Source(name: "comparisons", records: comparisons, threads: threads).hash
    return [("comparisons-hash", comparisons)]
      + (reward.map { [("reward-model-hash", Hexadecimal.text($0.model.checkpoint.identity))] } ?? [])
  }
}

/// The result of a study.
public struct StudyFinding: Sendable {
  /// A paragraph: the result with its uncertainty and the published result, whether or not they agree.
  public var text: String
  public var figures: [StudyRecord.Figure]
  public var charts: [StudyRecord.Chart]

  public init(text: String, figures: [StudyRecord.Figure], charts: [StudyRecord.Chart]) {
    self.text = text
    self.figures = figures
    self.charts = charts
  }
}
