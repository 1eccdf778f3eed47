import ArgumentParser
import Reports
import Runs
import Support

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Draw a run folder's report again and print its table.")

  @Argument(help: "The run folder.") var folder: String
  @Flag(help: "Print summary.json instead of the table.") var json = false

  func run() throws {
    try Report.show(folder, printing: json ? RunFile.summary : nil)
    // Last, so that a folder that cannot be written still shows its table.
    try Report.write(folder)
    Console.error("The report is \(folder)/\(RunFile.report).")
  }
}

extension Report {
  /// What a command leaves when its run has ended: the report, and on standard output the table or, where
  /// it is asked for, a file of the folder.
  static func deliver(_ folder: String, printing file: String?) throws {
    try write(folder)
    try show(folder, printing: file)
    Console.error("The report is \(folder)/\(RunFile.report).")
  }

  /// Prints the table, with what went wrong; or a file of the folder, and what went wrong for people.
  static func show(_ folder: String, printing file: String?) throws {
    if let file {
      try Console.output(Files.read("\(folder)/\(file)"))
      return try warn(folder)
    }
    let output = Terminal.standardOutput
    let text = try terminal(folder, width: output.width, colour: output.colour)
    try Console.output(Array(text.utf8))
  }

  /// Says what went wrong in a run.
  static func warn(_ folder: String) throws {
    for warning in try warnings(folder) { Console.error(warning) }
  }

  /// Writes `report.html` into the folder.
  static func write(_ folder: String) throws {
    try Files.writeAtomically(Array(html(folder).utf8), to: "\(folder)/\(RunFile.report)")
  }
}
