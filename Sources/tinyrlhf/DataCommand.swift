import ArgumentParser
import Datasets
import Diagnostics
import Inference
import Support

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Check data before training.",
    subcommands: [Check.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show what a data file contains, how training would use it, and what is suspicious.",
      discussion: """
        Prints the format, the number of rows and tokens, and which rows are dropped and why. Finds duplicate rows, \
        rows that are also in another split, empty, identical, tied, cut and over-long answers, equal answers with \
        unequal ranks, names of special tokens in texts, control characters and U+FFFD. Names the keys that are not \
        used. Shows the first rows as training sees them: tokens with a loss are coloured, or between ⟦ and ⟧ if \
        there is no colour; in a ranked answer, the token at which the score is read. The name of a special token \
        inside a text is between ‹ and ›.

        The exit status is 0 if every file has usable rows, else 65. With --strict, any finding makes it 65.
        """)

    @Argument(
      help: ArgumentHelp(
        "JSON Lines or text, plain, .gz or .zst; - for standard input.", valueName: "file"))
    var files: [String]
    @Option(
      help: ArgumentHelp(
        "The model to train; its tokenizer and context are used. \(ModelSource.help)",
        valueName: "model"))
    var model: String = ModelSource.builtin
    @Option(
      help: ArgumentHelp("Another split, which should share no rows with the files.", valueName: "file"))
    var against: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("Rows to show of each file.", valueName: "n")) var show: Int = 3
    @Flag(help: "Exit with status 65 if there is any finding.") var strict = false
    @Flag(help: "Print one JSON object instead of text.") var json = false
    @OptionGroup var verification: VerifyOptions
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
      guard (0...10_000).contains(show) else {
        throw ValidationError("--show \(show) is not in 0…10000.")
      }
      if (files + [against].compactMap { $0 }).count(where: { $0 == "-" }) > 1 {
        throw ValidationError("Standard input (-) can be given only once.")
      }
    }

    private struct Output: Encodable {
      struct Other: Encodable {
        let file: String
        let format: DataFormat
        let rows: Int
      }
      let model: String
      let against: Other?
      let files: [DataCheckResult]
      /// Whether every file has usable rows.
      let usable: Bool
      /// Number of rows with findings, summed over kinds and files.
      let findings: Int

      private enum Key: CodingKey { case model, against, files, usable, findings }

      func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(model, forKey: .model)
        // nil is written as null, not left out.
        try container.encode(against, forKey: .against)
        try container.encode(files, forKey: .files)
        try container.encode(usable, forKey: .usable)
        try container.encode(findings, forKey: .findings)
      }
    }

    func run() throws {
      try InputFiles.require([model, against] + files)
      let check = DataCheck(try ModelSource.open(model, verification), threads: compute.threads)
      let other = try against.map { try check.other($0) }
      let terminal = Terminal.standardOutput
      var results: [DataCheckResult] = []
      if let other, !json {
        let text = "against \(other.file): \(other.format.rawValue), \(other.rows) rows"
        try Console.output(Terminal.harmless(text))
      }
      for file in files {
        let result = try check.check(file, against: other, shown: show)
        results.append(result)
        if !json { try Console.output(result.text(terminal)) }
      }
      let found = results.reduce(0) { $0 + $1.findings.values.reduce(0) { $0 + $1.count } }
      let isUsable = results.allSatisfy { $0.usable > 0 }
      if json {
        let output = Output(
          model: model,
          against: other.map { .init(file: $0.file, format: $0.format, rows: $0.rows) },
          files: results, usable: isUsable, findings: found)
        try Console.output(Terminal.harmlessJSON(JSON.line(output)))
      }
      if !isUsable || (strict && found > 0) { throw ExitCode(Failure.Kind.badData.rawValue) }
    }
  }
}
