import ArgumentParser
import Reports
import Runs
import Support

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Write a run folder's report.html again and print its table.")

  @Argument(help: "The run folder.") var folder: String
  @Flag(help: "Print summary.json instead of the table.") var json = false

  func run() throws {
    try Report.show(folder, printing: json ? RunFile.summary : nil)
    // Written last, so that the table is printed even if the folder cannot be written.
    try Report.write(folder)
    Console.error("The report is \(folder)/\(RunFile.report).")
  }
}

extension Report {
  /// Writes the report at the end of a run, and prints the table or, if `file` is given, that file of the folder.
  static func deliver(_ folder: String, printing file: String?) throws {
    try write(folder)
    try show(folder, printing: file)
    Console.error("The report is \(folder)/\(RunFile.report).")
  }

  /// Prints the table with the run's warnings. If `file` is given, prints that file of the folder to standard output
  /// and the warnings to standard error.
  static func show(_ folder: String, printing file: String?) throws {
    if let file {
      try Console.output(Files.read("\(folder)/\(file)"))
      return try warn(folder)
    }
    let output = Terminal.standardOutput
    let text = try terminal(folder, width: output.width, colour: output.colour)
    try Console.output(Array(text.utf8))
  }

  /// Prints the warnings of a run to standard error.
  static func warn(_ folder: String) throws {
    for warning in try warnings(folder) { Console.error(warning) }
  }

  /// Writes `report.html` into the folder.
  static func write(_ folder: String) throws {
    try Files.writeAtomically(Array(html(folder).utf8), to: "\(folder)/\(RunFile.report)")
  }
}
