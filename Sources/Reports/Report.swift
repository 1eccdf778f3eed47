import Runs

/// Reports of a run folder, for people. Reads only the folder's records and opens no checkpoint, so a copy of the
/// folder without checkpoints is enough.
public enum Report {
  /// The report as one HTML file, without external scripts, fonts, images or styles.
  /// - Throws: `Failure` if `folder` is not a run folder or contains a damaged file.
  public static func html(_ folder: String) throws -> String { html(try RunRecords.read(folder)) }

  /// The same of records that were read.
  public static func html(_ records: RunRecords) -> String {
    records.study.map { StudyPage($0, records.manifest).html() } ?? Page(records).html()
  }

  /// The warnings of a run, one or two sentences each.
  /// - Throws: like `html`.
  public static func warnings(_ folder: String) throws -> [String] {
    let records = try RunRecords.read(folder)
    return Warnings(records, ShownModels(records)).all.map { "warning: \($0)" }
  }

  /// The table of results and three prompts with each model's answer, as plain text.
  /// - Parameters:
  ///   - width: columns of the terminal.
  ///   - colour: whether the models' names are coloured.
  /// - Throws: `Failure` if `folder` is not a run folder or contains a damaged file.
  public static func terminal(_ folder: String, width: Int, colour: Bool) throws -> String {
    terminal(try RunRecords.read(folder), width: width, colour: colour)
  }

  /// The same of records that were read.
  public static func terminal(_ records: RunRecords, width: Int, colour: Bool) -> String {
    records.study.map { StudyText.text($0, width: width) }
      ?? TerminalReport(records, width: width, colour: colour).text()
  }
}
