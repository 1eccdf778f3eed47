/// The names of the files in a run folder.
public enum RunFile {
  public static let manifest = "manifest.json"
  public static let metrics = "metrics.jsonl"
  /// What the metrics are: their units, which way is better, and their charts.
  public static let metricDeclarations = "metrics.json"
  public static let rankings = "rankings.jsonl"
  /// Answers that people are to rank.
  public static let toRank = "to-rank.jsonl"
  /// The rankings of a program, in the order in which it gave them.
  public static let judgements = "judgements.jsonl"
  public static let samples = "samples.jsonl"
  public static let evaluation = "evaluation.json"
  public static let summary = "summary.json"
  public static let study = "study.json"
  public static let studyTable = "study.csv"
  public static let report = "report.html"

  /// The remedy for a damaged file of a run. All files except the manifest can be made again.
  public static func remedy(_ name: String) -> String {
    switch name {
    case manifest:
      "It cannot be restored. Start a new run in another folder; the models in this folder can still be used."
    case metricDeclarations: "Remove it; the report then draws the curves under their plain names."
    case metrics: "Remove the line; the report's curves then lack one point."
    case summary, evaluation, samples:
      "Remove \(summary) from the folder and continue the run with --resume; the run is then evaluated again."
    case judgements: "Remove the line; the program is then asked for this ranking again."
    case study: "Remove it and continue the study with --resume; its findings are then computed again."
    default: "Remove it and the rankings of its round, and continue the run with --resume; they are then made again."
    }
  }
}
