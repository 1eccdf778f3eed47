import Dialogues
import Evaluation
import Inference
import Runs
import Support

/// An experiment on the recipe: whether a published effect appears in the built-in world.
///
/// `measure` does all that takes time, for one seed; `conclude` only reads rows, so that what a study
/// says can be tested on rows that were made up.
public protocol Study: Sendable {
  /// As the command line names it.
  var name: String { get }
  /// What is asked, in one sentence.
  var question: String { get }
  /// Seeds unless `--seeds` says otherwise.
  var seeds: Int { get }
  /// The columns of `study.csv` behind the seed, labels first.
  var columns: [String] { get }

  /// Trains and measures everything for the laboratory's seed.
  func measure(_ laboratory: Laboratory) throws -> [StudyRow]
  /// What the rows of all seeds say.
  func conclude(_ rows: StudyRows) -> StudyFinding
}

/// A study that can be made on the user's own files, too: `conclude` takes their rows as it takes the
/// world's, with those columns empty that need a rubric.
public protocol FileStudy: Study {
  /// Whether it looks at a reward model that is there; or else trains its own.
  var takesReward: Bool { get }

  /// - Throws: `Failure(.badData)` for files that cannot answer the question with a seed, before anything is
  ///   made of them.
  func check(_ files: StudyFiles, seed: UInt64) throws

  func measure(_ files: StudyFiles, _ workshop: Workshop) throws -> [StudyRow]
}

/// The user's own, in place of the built-in world.
public struct StudyFiles {
  public var comparisons: [Comparison]
  /// The file of the comparisons.
  public var place: String
  /// To be looked at.
  public var reward: RewardScorer?

  public init(comparisons: [Comparison], at place: String, reward: RewardScorer?) {
    self.comparisons = comparisons
    self.place = place
    self.reward = reward
  }

  /// By name what a resumed study must find again, in hexadecimal: the comparisons' contents, and the reward
  /// model's identity.
  public func hashes() throws -> [(String, String)] {
    let comparisons = try Provenance.Source(name: "comparisons", records: comparisons).hash
    return [("comparisons-hash", comparisons)]
      + (reward.map { [("reward-model-hash", Hexadecimal.text($0.model.checkpoint.identity))] } ?? [])
  }
}

/// What a study found.
public struct StudyFinding: Sendable {
  /// A paragraph: the result with its uncertainty, beside what was published, whether or not they agree.
  public var text: String
  public var figures: [StudyRecord.Figure]
  public var charts: [StudyRecord.Chart]

  public init(text: String, figures: [StudyRecord.Figure], charts: [StudyRecord.Chart]) {
    self.text = text
    self.figures = figures
    self.charts = charts
  }
}
