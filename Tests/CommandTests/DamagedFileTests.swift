import FoundationEssentials
import Support
import TestSupport
import Testing

@testable import Checkpoints
@testable import Compression

/// One bit of a file that was once good: every command that uses the file refuses it, before it says or makes
/// anything.
@Suite(.serialized) struct DamagedFileTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  private struct Use {
    var arguments: [String]
    var input = ""
  }

  /// What uses a language model, as the model that everything starts from.
  private func uses(of model: String) -> [Use] {
    let out = "\(program.folder)/damaged-out"
    return [
      Use(arguments: ["generate", model], input: "{\"prompt\":\"Hi\"}\n"),
      Use(arguments: ["chat", model], input: "Hi\n"),
      Use(arguments: ["sample", model], input: "{\"prompt\":\"Hi\"}\n"),
      Use(arguments: ["logprobs", model], input: "{\"prompt\":\"Hi\",\"completion\":\"a\"}\n"),
      Use(arguments: ["tokenize", model], input: "{\"text\":\"Hi\"}\n"),
      Use(arguments: ["eval", model, "--text", tiny.text]),
      Use(arguments: ["data", "check", tiny.prompts, "--model", model]),
      Use(arguments: ["inspect", model]),
      Use(arguments: ["inspect", model, "--verify", "--no-stats"]),
      Use(arguments: ["inspect", tiny.base, "--diff", model]),
      Use(arguments: ["inspect", model, "--tensor", "final_norm.weight"]),
      Use(arguments: ["plan", "sft", "--model", model]),
      Use(arguments: ["quantize", model, "-o", out]),
      Use(arguments: ["export", model, "-o", out]),
      Use(arguments: ["export", model, "-o", out, "--format", "gguf"]),
      Use(arguments: tiny.sftArguments("damaged-out", model: model)),
      Use(arguments: tiny.rewardArguments("damaged-out", model: model)),
      Use(arguments: tiny.ppoArguments("damaged-out", model: model)),
      Use(arguments: ["all", "-o", out, "--quick", "--model", model]),
      Use(arguments: ["study", "ptx", "-o", out, "--quick", "--model", model]),
    ]
  }

  private func expectRefused(_ use: Use, _ damage: String) throws {
    let out = try program.fresh("damaged-out")
    let result = try program.run(use.arguments, input: use.input)
    let what = "\(damage): \(use.arguments.joined(separator: " "))"
    #expect(result.exitCode == 65, "\(what): \(result.errorText)")
    #expect(result.standardOutput.isEmpty, "\(what): \(result.outputText)")
    #expect(result.errorText.hasPrefix("tinyrlhf: ") && result.errorText.hasSuffix(".\n"), "\(what): \(result.errorText)")
    for made in [out, "\(out).partial", "\(out)/manifest.json"] { #expect(!Files.exists(made), "\(what) left \(made)") }
  }

  /// A byte in the middle of every section, in the header, and behind CONFIG's text.
  private func places(_ path: String) throws -> [(name: String, byte: Int)] {
    let header = try Checkpoint(path: path).header
    let sections = header.sections.map { section in
      let middle = section.kind == SectionKind.config.rawValue ? 40 : section.storedBytes / 2
      return (name: "section \(section.kind)", byte: section.offset + middle)
    }
    return [(name: "header", byte: 40), (name: "behind CONFIG's text", byte: header.sections[0].offset + 20_000)] + sections
  }

  private func flip(_ byte: Int, of path: String, into copy: String) throws {
    var bytes = try Files.read(path)
    bytes[byte] ^= 1
    try Files.writeAtomically(bytes, to: copy)
  }

  @Test("a bit flipped anywhere in a model ends every command that uses it with status 65 and nothing made")
  func models() throws {
    let damaged = "\(program.folder)/damaged.trlhf"
    for (name, byte) in try places(tiny.sft) {
      try flip(byte, of: tiny.sft, into: damaged)
      for use in uses(of: damaged) { try expectRefused(use, name) }
      try expectRefused(Use(arguments: ["pack", damaged, "-o", "\(program.folder)/damaged-out"]), name)
    }
    let pair = "{\"prompt\":\"Hi\",\"completion\":\"a\"}\n"
    for (name, byte) in try places(tiny.reward) {
      try flip(byte, of: tiny.reward, into: damaged)
      try expectRefused(Use(arguments: ["score", damaged], input: pair), name)
      try expectRefused(Use(arguments: tiny.ppoArguments("damaged-out", reward: damaged)), name)
      try expectRefused(
        Use(arguments: ["generate", tiny.sft, "--best-of", "2", "--reward-model", damaged], input: "{\"prompt\":\"Hi\"}\n"), name)
      try expectRefused(Use(arguments: ["eval", damaged, "--comparisons", tiny.comparisons]), name)
    }
  }

  @Test("a bit flipped in an archive, or in its expansion in the cache, does the same")
  func archives() throws {
    let archive = try program.fresh("whole.trlhf.zst")
    try #require(try program.run("pack", tiny.sft, "-o", archive).exitCode == 0)
    let frames = try Files.read(archive).withUnsafeBytes { try Archive($0, name: archive).frames.map(\.offset) }
    let damaged = try program.fresh("damaged.trlhf.zst")
    // Its whole archive lies in the cache already.
    try #require(try program.run("generate", archive, input: "{\"prompt\":\"Hi\"}\n").exitCode == 0)
    for byte in [24, frames[0] + 12, frames[frames.count / 2] + 12, frames.last! + 12] {
      try flip(byte, of: archive, into: damaged)
      for use in uses(of: damaged) { try expectRefused(use, "archive, byte \(byte)") }
    }
    let cache = try program.run("cache", "--json").objects()[0]
    let folder = try #require(cache["folder"]?.string)
    let hash = try Files.read(archive).withUnsafeBytes { BlockHash.of($0) }
    let expansion = "\(folder)/\(Hexadecimal.text(hash)).trlhf"
    let whole = try Files.read(expansion)
    for (name, byte) in try places(expansion) {
      try flip(byte, of: expansion, into: expansion)
      for use in uses(of: archive) { try expectRefused(use, "cache, \(name)") }
      try Files.writeAtomically(whole, to: expansion)
    }
    try flip(9000, of: expansion, into: expansion)
    try #require(try program.run("cache", "--clear").exitCode == 0)
    #expect(try program.run("generate", archive, input: "{\"prompt\":\"Hi\"}\n").exitCode == 0)
  }

  @Test("--no-verify leaves the look at hashes out")
  func unverified() throws {
    let damaged = try program.fresh("damaged-weight.trlhf")
    let weights = try #require(try places(tiny.sft).first { $0.name == "section \(SectionKind.weights.rawValue)" })
    // The lowest bit of a weight: a finite value.
    try flip(weights.byte & ~3, of: tiny.sft, into: damaged)
    let prompt = "{\"prompt\":\"Hi\"}\n"
    #expect(try program.run("generate", damaged, input: prompt).exitCode == 65)
    let result = try program.run("generate", damaged, "--no-verify", input: prompt)
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(try program.run("inspect", damaged, "--no-verify").exitCode == 0)
    // Header and tables are whole, and no more is read.
    #expect(try program.run("inspect", damaged, "--no-stats").exitCode == 0)
  }

  @Test("a run goes on only from stage files as they were left")
  func resumed() throws {
    let folder = try program.fresh("damaged-run")
    let arguments = [
      "all", "-o", folder, "--quick", "--model", tiny.base, "--demonstrations", tiny.demonstrations, "--comparisons",
      tiny.comparisons, "--prompts", tiny.prompts, "--pretraining-text", tiny.text, "--total-episodes", "16",
      "--ppo-batch-size", "8", "--response-length", "8", "--eval-prompts", "2", "--eval-samples", "1", "--quiet",
    ]
    let made = try program.run(arguments)
    try #require(made.exitCode == 0, "\(made.errorText)")
    for name in ["base.trlhf", "sft.trlhf", "reward.trlhf", "rankings.jsonl", "ppo.trlhf"] {
      let path = "\(folder)/\(name)"
      let whole = try Files.read(path)
      // Whether the run has ended, or the last stage is to do.
      for isEnded in [true, false] {
        if !isEnded { _ = try program.fresh("damaged-run/summary.json") }
        try flip(whole.count / 2, of: path, into: path)
        let result = try program.run(arguments + ["--resume"])
        #expect(result.exitCode == 65, "\(name): \(result.errorText)")
        #expect(result.standardOutput.isEmpty && result.errorText.contains(name))
        #expect(isEnded || !Files.exists("\(folder)/summary.json"))
        try Files.writeAtomically(whole, to: path)
        #expect(try program.run(arguments + ["--resume"]).exitCode == 0)
      }
    }
    // Another stage's file is whole, and yet not the one that was left.
    let reward = "\(folder)/ppo.trlhf"
    try Files.writeAtomically(try Files.read("\(folder)/sft.trlhf"), to: reward)
    let swapped = try program.run(arguments + ["--resume"])
    #expect(swapped.exitCode == 65 && swapped.errorText.contains("is not what the stage ppo left"))
  }
}
