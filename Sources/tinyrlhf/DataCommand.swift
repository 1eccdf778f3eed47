import ArgumentParser
import Datasets
import Diagnostics
import Inference
import Support

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Look at data before training on them.",
    subcommands: [Check.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What a data file holds, how it would be trained on, and what is odd about it.",
      discussion: """
        Says format, rows, what is dropped and why, and tokens; finds rows that stand there twice, \
        leaks from another split, empty, identical, tied, cut and over-long answers, equal answers \
        with unequal ranks, names of special tokens in texts, control characters and U+FFFD. Names the \
        keys of rows that nothing is done with. Shows the first rows as they are trained on: tokens that are learnt \
        are coloured, or stand between ⟦ and ⟧ where there is no colour; of a ranked answer that is \
        where its score is read. A special token's name that a text holds stands between ‹ and ›.

        Ends with status 0 if every file has rows that can be used, whatever was found, else 65; \
        with --strict, whatever was found makes it 65.
        """)

    @Argument(
      help: ArgumentHelp(
        "JSON Lines or text, plain, .gz or .zst; - for standard input.", valueName: "file"))
    var files: [String]
    @Option(
      help: ArgumentHelp(
        "The model that is to be trained. Its tokenizer and context are taken. \(ModelSource.help)",
        valueName: "model"))
    var model: String = ModelSource.builtin
    @Option(
      help: ArgumentHelp("Another split, which should share nothing with the files.", valueName: "file"))
    var against: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("Rows of each file to show.", valueName: "n")) var show: Int = 3
    @Flag(help: "End with status 65 if anything was found.") var strict = false
    @Flag(help: "One JSON object instead of text.") var json = false
    @OptionGroup var verification: VerifyOptions
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
      guard (0...10_000).contains(show) else {
        throw ValidationError("--show \(show) is not in 0…10000.")
      }
      if (files + [against].compactMap { $0 }).count(where: { $0 == "-" }) > 1 {
        throw ValidationError("Standard input (-) can be read once only.")
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
      /// Whether every file has rows that can be used.
      let usable: Bool
      /// Rows found, summed over kinds and files.
      let findings: Int

      private enum Key: CodingKey { case model, against, files, usable, findings }

      func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(model, forKey: .model)
        // null and not left out.
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
