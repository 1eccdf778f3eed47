import FoundationEssentials
import TestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Support
import Testing

/// Which training checkpoints stay.
@Suite(.serialized) struct RetentionTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  @Test("--keep leaves the newest training checkpoints and the best, and changes no result")
  func retention() throws {
    let one = try program.fresh("kept-by-default")
    // What is held out is unlike what is learnt, so that the first look at it is the best.
    let unlike = try program.write(
      "{\"prompt\":\"Hi\",\"completion\":\"Zebras quack, jump and vex.\"}\n", to: "unlike.jsonl")
    let often = ["--save-interval", "0", "--epochs", "12", "--validation", unlike]
    let plain = try program.run(tiny.sftArguments("kept-by-default") + often)
    try #require(plain.exitCode == 0, "\(plain.errorText)")
    #expect(try trainingSteps(one).isEmpty)

    let measured = often + ["--learning-rate", "0.01", "--keep", "3"]
    let folder = try program.fresh("kept")
    let kept = try program.run(tiny.sftArguments("kept") + measured)
    try #require(kept.exitCode == 0, "\(kept.errorText)")
    let log = try RunLog(folder)
    let best = try #require(log.validation.min { $0.loss < $1.loss })
    #expect(log.validation.count >= 2 && best.step < log.steps - 3, "\(log.validation)")
    let steps = try trainingSteps(folder)
    #expect(steps == [best.step] + (log.steps - 3..<log.steps), "\(steps)")
    for step in steps {
      let path = "\(folder)/\(Self.training(step))"
      #expect(try program.run("inspect", path, "--verify").exitCode == 0)
    }

    // Resumed in the middle, with another number, to the same bytes and the same best.
    for (number, expected) in [("1", [best.step, log.steps - 1]), ("100", Array(1..<log.steps))] {
      let again = try program.fresh("kept-again")
      let faulty = try FaultyFolder(program, "kept-again")
      let middle = (best.step + log.steps) / 2
      var arguments = tiny.sftArguments("kept-again/run") + measured
      let renaming = try faulty.events(arguments).filter { $0.kind == "rename" }
        .firstIndex { $0.paths[1].hasSuffix(Self.training(middle)) }
      try FileManager.default.removeItem(atPath: "\(again)/run")
      arguments[arguments.count - 1] = number
      let call = FaultyFolder.Call(kind: "rename", number: try #require(renaming) + 1)
      let stopped = try faulty.start(arguments, call, .error(EIO)).wait(timeout: 60)
      #expect(stopped.exitCode == 74, "\(stopped.errorText)")
      let resumed = try program.run(arguments + ["--resume"])
      #expect(resumed.exitCode == 0, "\(resumed.errorText)")
      #expect(try trainingSteps("\(again)/run") == expected)
      for name in ["sft.trlhf", "metrics.jsonl", Self.training(best.step)] {
        #expect(try Files.read("\(again)/run/\(name)") == Files.read("\(folder)/\(name)"), "\(name)")
      }
    }
    let refused = try program.run(tiny.sftArguments("no") + ["--keep", "0"])
    #expect(refused.exitCode == 64 && refused.errorText.contains("--keep 0"))
  }

  private static func training(_ step: Int) -> String {
    let digits = "\(step)"
    return "sft-\(String(repeating: "0", count: 8 - digits.count))\(digits).training.trlhf"
  }

  private func trainingSteps(_ folder: String) throws -> [Int] {
    try program.contents(of: folder).keys.filter { $0.hasSuffix(".training.trlhf") }
      .map { try #require(Int($0.dropFirst("sft-".count).prefix(8))) }.sorted()
  }

  /// What the metrics of a run of `sft` say.
  private struct RunLog {
    var steps = 0
    var validation: [(step: Int, loss: Double)] = []

    init(_ folder: String) throws {
      let path = "\(folder)/metrics.jsonl"
      for line in try Files.read(path).split(separator: 0x0A) {
        let values = try JSON.decode([String: JSONValue].self, from: Array(line), at: path)
        steps = Int(try #require(values["step"]?.number))
        if let loss = values["loss/validation"]?.number { validation.append((steps, loss)) }
      }
    }
  }
}
