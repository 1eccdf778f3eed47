import Support
import TestSupport
import Testing

/// A run on the user's own files, which no rubric grades: what it says, and what it does not.
@Suite(.serialized) struct EvidenceTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }

  init() throws { tiny = try TinyModels() }

  /// - Parameter labelers: of each row in turn; none for rows without.
  private func run(
    _ name: String, rows: Int, labelers: [String] = [], _ more: [String] = []
  ) throws -> (output: String, error: String, page: String, summary: [String: JSONValue]) {
    let pairs = (0..<rows).map { row in
      let labeler = labelers.isEmpty ? "" : ",\"labeler\":\"\(labelers[row % labelers.count])\""
      // Each question comes once for each labeler.
      let prompt = "Is it \(row / max(1, labelers.count))?"
      return "{\"prompt\":\"\(prompt)\",\"chosen\":\"Yes.\",\"rejected\":\"No.\"\(labeler)}\n"
    }
    let comparisons = try program.write(pairs.joined(), to: "\(name)-comparisons.jsonl")
    let folder = try program.fresh(name)
    let result = try program.run(
      [
        "all", "-o", folder, "--quick", "--model", tiny.base, "--demonstrations", tiny.demonstrations,
        "--comparisons", comparisons, "--pretraining-text", tiny.text, "--sft-epochs", "2",
        "--total-episodes", "32", "--ppo-batch-size", "16", "--eval-samples", "2", "--response-length", "8",
      ] + more)
    try #require(result.exitCode == 0, "\(result.errorText)")
    let path = "\(folder)/summary.json"
    return (
      result.outputText.replacing("\n", with: " "), result.errorText,
      String(decoding: try Files.read("\(folder)/report.html"), as: UTF8.self),
      try JSON.decode([String: JSONValue].self, from: Files.read(path), at: path)
    )
  }

  @Test("a run on files without labelers tells no agreement, says what it held out, and is judged by the reward model")
  func ownFiles() throws {
    let run = try run("own-evidence", rows: 40)
    #expect(run.summary["reward_model"]?["labeler_agreement"] == .null)
    for text in [run.output, run.page] {
      #expect(!text.contains("labelers agree") && !text.contains("agreement between labelers"))
      #expect(text.contains("4 of your 40 comparisons are held out of training"))
      #expect(text.contains("None of your 4 demonstrations is held out"))
      #expect(text.contains("By the reward model it was trained against, not by a person"))
    }
    #expect(run.error.contains("4 of your 40 prompts are held out of training"))
    let rate = try #require(run.summary["models"]?["ppo"]?["proxy_win_rate_vs_sft"])
    #expect(rate["n"]?.number == 8 && rate["prompts"]?.number == 4)
    #expect(try #require(rate["low"]?.number) < #require(rate["high"]?.number))
    #expect(run.summary["models"]?["ppo"]?["win_rate_vs_sft"] == .null)
    #expect(run.output.contains("of 4 held-out pairs of 4 prompts"))
    #expect(run.error.contains("held-out accuracy (n 4)"))
  }

  @Test("two labelers of the same answers agree; too few prompts to hold some out are not called held out")
  func labelersAndFewPrompts() throws {
    // Both rank each of twenty questions; the built-in world has labelers of the same names.
    let labelled = try run("own-labelled", rows: 40, labelers: ["fay", "gus"])
    let reward = try #require(labelled.summary["reward_model"])
    #expect(reward["labeler_agreement"]?.number == 1 && reward["labeler_agreement_pairs"]?.number == 20)
    #expect(reward["pairs"]?.number == 4 && reward["accuracy_held_out_labelers"] == .null)
    #expect(labelled.output.contains("labelers agree on 100.0 % of 20"))
    #expect(labelled.output.contains("Training sees the prompts of 4 of them in other rows."))
    let few = try run("own-few", rows: 6, ["--quiet"])
    #expect(few.output.contains("on prompts that it trained on") && !few.page.contains("On held-out prompts"))
    #expect(few.summary["reward_model"] == .null)
    #expect(!few.error.contains("held out"))
  }
}
