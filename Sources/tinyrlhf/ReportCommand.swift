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
    try Report.write(folder)
    if json {
      try Console.output(Files.read("\(folder)/\(RunFile.summary)"))
    } else {
      let terminal = Terminal.standardOutput
      try Console.output(
        Report.terminal(folder, width: terminal.width, colour: terminal.colour))
    }
    Console.error("The report is \(folder)/\(RunFile.report).")
  }
}

extension Report {
  /// Writes `report.html` into the folder.
  static func write(_ folder: String) throws {
    try Files.writeAtomically(Array(html(folder).utf8), to: "\(folder)/\(RunFile.report)")
  }
}
