import Runs

/// What a run folder tells, for people. Reads the folder's records only: no checkpoint is opened,
/// so a copied folder is enough.
public enum Report {
  /// One HTML file that needs nothing else: no script, font, image or style from elsewhere.
  /// - Throws: `Failure` if `folder` is not a run folder or holds a damaged file.
  public static func html(_ folder: String) throws -> String { html(try RunRecords.read(folder)) }

  /// The same of records that were read.
  public static func html(_ records: RunRecords) -> String {
    records.study.map { StudyPage($0, records.manifest).html() } ?? Page(records).html()
  }

  /// What went wrong in a run, a sentence or two each.
  /// - Throws: as `html`.
  public static func warnings(_ folder: String) throws -> [String] {
    let records = try RunRecords.read(folder)
    return Warnings(records, ShownModels(records)).all.map { "warning: \($0)" }
  }

  /// The table of results and three prompts with each model's answer, as plain text.
  /// - Parameters:
  ///   - width: columns of the terminal.
  ///   - colour: whether the models' names are coloured.
  /// - Throws: `Failure` if `folder` is not a run folder or holds a damaged file.
  public static func terminal(_ folder: String, width: Int, colour: Bool) throws -> String {
    terminal(try RunRecords.read(folder), width: width, colour: colour)
  }

  /// The same of records that were read.
  public static func terminal(_ records: RunRecords, width: Int, colour: Bool) -> String {
    records.study.map { StudyText.text($0, width: width) }
      ?? TerminalReport(records, width: width, colour: colour).text()
  }
}
