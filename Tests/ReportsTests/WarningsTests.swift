import Runs
import Support
import Testing

@testable import Reports

@Suite struct WarningsTests {
  /// A healthy run, as the defaults give one.
  private func healthy() -> RunRecords {
    RunRecords(
      metrics: metrics { _ in ["objective/entropy": 0.25, "objective/kl": 1.2, "response/length": 12] },
      samples: samples(20) { ("SFT says \($0)", "PPO says \($0)") },
      summary: Summary(
        seed: 1,
        models: [
          "sft": .init(gold: 0.83, proxyReward: -0.3, kl: 0, meanTokens: 12),
          "ppo": .init(
            gold: 0.92, proxyReward: 0.1, kl: 1.2, meanTokens: 12, winRateVsSFT: rate(0.66, 0.63, 0.68)),
        ], rewardModel: .init(accuracy: 0.74, accuracyLow: 0.72, accuracyHigh: 0.76, pairs: 4000)))
  }

  private func rate(_ mean: Double, _ low: Double, _ high: Double) -> Summary.WinRate {
    .init(mean: mean, low: low, high: high, ties: 0.1, n: 200, prompts: 100)
  }

  private func metrics(_ values: (Int) -> [String: Double]) -> [MetricsRecord] {
    (1...40).map { MetricsRecord(stage: "ppo", step: $0, values: values($0)) }
  }

  private func samples(
    _ count: Int, ended: Bool = true, _ texts: (Int) -> (sft: String, ppo: String)
  ) -> [SampleRecord] {
    (0..<count).map { number in
      SampleRecord(
        prompt: [.init(role: "user", content: "Question \(number)?")],
        answers: [
          .init(model: "sft", text: texts(number).sft, ended: true),
          .init(model: "ppo", text: texts(number).ppo, ended: ended),
        ])
    }
  }

  private func warnings(_ records: RunRecords) -> [String] { Warnings(records, ShownModels(records)).all }

  /// The one warning of a run that is healthy but for a change.
  private func warning(_ change: (inout RunRecords) -> Void) -> String? {
    var records = healthy()
    change(&records)
    let all = warnings(records)
    #expect(all.count == 1, "\(all)")
    return all.first
  }

  @Test("a healthy run has no warning, nor has one in the middle, nor one of before intervals were kept")
  func noFalseAlarm() throws {
    #expect(warnings(healthy()).isEmpty)
    #expect(warnings(RunRecords()).isEmpty)
    var old = healthy()
    old.summary?.rewardModel = .init(accuracy: 0.7)
    old.summary?.models["ppo"]?.winRateVsSFT = rate(0.48, 0.44, 0.52)
    #expect(warnings(old).isEmpty)
    let run = SyntheticRun()
    try run.fill()
    #expect(try Report.warnings(run.path).isEmpty)
  }

  @Test("a run that went wrong says in words what happened and what to try")
  func everyWarning() {
    let found: [String?] = [
      warning { $0.summary?.models["ppo"]?.winRateVsSFT = self.rate(0.1, 0.06, 0.16) },
      warning { $0.summary?.models["ppo"]?.kl = 382 },
      warning { $0.samples = self.samples(20) { ("SFT says \($0)", "") } },
      warning { $0.samples = self.samples(20) { ("SFT says \($0)", $0 % 4 == 0 ? "No \($0)" : "Yes.") } },
      warning { $0.samples = self.samples(20, ended: false) { ("SFT says \($0)", "PPO says \($0)") } },
      warning { $0.metrics = self.metrics { ["objective/entropy": $0 < 20 ? 0.25 : 0.001] } },
      warning { $0.summary?.rewardModel = .init(accuracy: 1, accuracyLow: 0.44, accuracyHigh: 1, pairs: 3) },
    ]
    let words = [
      "over-optimisation", "KL is 382 nats per answer", "empty answers to 100.0", "the same answer to 75.0",
      "does not end 100.0", "entropy fell from 0.250 to 0.0010", "may be chance",
    ]
    for (text, word) in zip(found, words) {
      #expect(text?.contains(word) == true, "\(word): \(text ?? "none")")
      #expect(text?.contains("--") == true || text?.contains("more rankings") == true, "\(text ?? "")")
    }
  }

  @Test("a win rate below one half is over-optimisation only where the reward model's score rose")
  func worse() {
    let broken = warning {
      $0.summary?.models["ppo"]?.winRateVsSFT = self.rate(0.1, 0.06, 0.16)
      $0.summary?.models["ppo"]?.proxyReward = -2
    }
    #expect(broken?.contains("PPO went wrong") == true && broken?.contains("optimisation") == false)
    let own = warning {
      $0.summary?.models["ppo"]?.winRateVsSFT = nil
      $0.summary?.models["ppo"]?.proxyWinRateVsSFT = self.rate(0.1, 0.06, 0.16)
    }
    #expect(own?.contains("according to the reward model that it was trained against") == true)
  }

  @Test("a long way is told by nats a token, and by the target that was set")
  func far() {
    var long = healthy()
    long.summary?.models["ppo"]?.kl = 60
    long.summary?.models["ppo"]?.meanTokens = 300
    #expect(warnings(long).isEmpty)
    let aimed = warning {
      $0.manifest = Manifest(
        command: [], configuration: ["kl-target": .number(1)], seed: 1, host: .init(processor: "x", threads: 1))
      $0.summary?.models["ppo"]?.kl = 4
    }
    #expect(aimed?.contains("--kl-target is 1.00") == true)
    // Without results the log tells.
    var stage = healthy()
    stage.summary = nil
    stage.metrics = metrics { ["objective/kl": 10 * Double($0), "response/length": 20] }
    #expect(warnings(stage).count == 1)
  }

  @Test("answers that SFT gives alike, too, are no collapse, and few prompts are none to tell by")
  func alikeFromTheStart() {
    var records = healthy()
    records.samples = samples(20) { _ in ("Yes.", "Yes.") }
    #expect(warnings(records).isEmpty)
    records.samples = samples(9) { ("SFT says \($0)", "Yes.") }
    #expect(warnings(records).isEmpty)
  }

  @Test("terminal and page show the warning")
  func shown() {
    var records = healthy()
    records.summary?.models["ppo"]?.kl = 382
    let text = TerminalReport(records, width: 80, colour: false).text()
    #expect(text.contains("Warning: PPO-ptx moved far from SFT"))
    let page = Page(records).html()
    #expect(page.contains("<p class=\"warning\"><strong>Warning:</strong> PPO-ptx moved far from SFT"))
    let coloured = TerminalReport(records, width: 80, colour: true).text()
    #expect(coloured.contains("\u{1B}[33mWarning:\u{1B}[0m PPO-ptx moved far"))
  }
}
