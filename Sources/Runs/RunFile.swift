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
}
