import ArgumentParser
import Support
import Tensors

@main
struct TinyRLHF: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tinyrlhf",
    abstract: "The whole ChatGPT recipe in one binary: SFT, rankings, reward model, PPO-ptx.",
    discussion: """
      `tinyrlhf all` runs the whole recipe and needs no other files. Data goes to standard output, \
      messages for people go to standard error.

      Exit codes: 0 done; 1 failed; 64 wrong usage; 65 bad data or a damaged file; 69 not enough memory; \
      73 cannot create a file; 74 input-output error; 75 another process uses the run folder; \
      130 interrupted by SIGINT, SIGTERM or SIGHUP, state saved.
      """,
    version: "tinyrlhf \(ProgramVersion.text)",
    groupedSubcommands: [
      CommandGroup(name: "The recipe", subcommands: [
        All.self, Pretrain.self, SFT.self, SampleCommand.self, Reward.self, PPO.self,
        Eval.self, ReportCommand.self, StudyCommand.self,
      ]),
      CommandGroup(name: "Models in use", subcommands: [
        Generate.self, Chat.self, LogProbabilities.self, Score.self, Tokenize.self,
      ]),
      CommandGroup(name: "Data", subcommands: [DataCommand.self]),
      CommandGroup(name: "Checkpoints", subcommands: [
        Inspect.self, Pack.self, Unpack.self, Quantize.self, Import.self,
        Export.self, Cache.self,
      ]),
      CommandGroup(name: "This machine", subcommands: [
        SelftestCommand.self, PlanCommand.self, BenchCommand.self,
      ]),
    ])

  static func main() {
    Signals.explainBusErrors()
    Signals.endCleanly()
    Signals.outliveFileSizeLimits()
    do {
      var command = try parse(Array(CommandLine.arguments.dropFirst()))
      if (command as? any Quietable)?.isQuiet != true { Console.showWork() }
      try InstructionSet.require(ProcessEnvironment.variable("TINYRLHF_ISA"))
      try command.run()
    } catch let failure as Failure {
      Console.report(failure)
      exit(withCode: failure.kind.rawValue)
    } catch is BadLines {
      exit(withCode: Failure.Kind.badData.rawValue)
    } catch {
      guard Console.reportsJSON, exitCode(for: error) == .validationFailure else { exit(withError: error) }
      Console.report(Failure(.usage, message(for: error)))
      exit(withCode: Failure.Kind.usage.rawValue)
    }
  }

  private static func parse(_ words: [String]) throws -> any ParsableCommand {
    try Misreading.requireCommands(words)
    do {
      return try parseAsRoot(words)
    } catch {
      guard exitCode(for: error) == .validationFailure, let failure = Misreading.failure(words) else { throw error }
      throw failure
    }
  }

  private static func exit(withCode code: Int32) -> Never { exit(withError: ExitCode(code)) }
}
