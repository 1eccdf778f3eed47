/// The names of the files in a run folder.
public enum RunFile {
  public static let manifest = "manifest.json"
  public static let metrics = "metrics.jsonl"
  public static let rankings = "rankings.jsonl"
  public static let samples = "samples.jsonl"
  public static let evaluation = "evaluation.json"
  public static let summary = "summary.json"
  public static let study = "study.json"
  public static let studyTable = "study.csv"
  public static let report = "report.html"

  /// What to do about a file of a run that is damaged. All but the manifest can be made again.
  public static func remedy(_ name: String) -> String {
    switch name {
    case manifest:
      "Nothing makes it again: begin anew in another folder. The models of this one can still be named."
    case metrics: "Remove the line: the report's curves lose a point."
    case summary, evaluation, samples:
      "Remove \(summary) from the folder, and continue the run with --resume: it is evaluated again."
    case study: "Remove it, and continue the study with --resume: it is concluded again."
    default: "Remove it and the rankings of its round, and continue the run with --resume: they are made again."
    }
  }
}
