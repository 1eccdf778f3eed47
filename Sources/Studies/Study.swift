import Runs

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
