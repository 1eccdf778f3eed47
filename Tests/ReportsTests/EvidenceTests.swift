import Runs
import Testing

@testable import Reports

/// A report says no figure without what makes it true.
@Suite struct EvidenceTests {
  private static let ties = Summary.WinRate(mean: 0.525, low: 0.48, high: 0.57, ties: 0.95, n: 40, prompts: 20)

  private func summary(
    _ ppo: Summary.Model, heldOut: [Summary.HeldOutRows]? = nil, _ reward: Summary.RewardModel? = nil
  ) -> Summary {
    Summary(seed: 1, models: ["sft": .init(), "ppo": ppo], rewardModel: reward, heldOut: heldOut)
  }

  private func terminal(_ summary: Summary) -> String {
    TerminalReport(RunRecords(summary: summary), width: 80, colour: false).text()
      .replacing("\n", with: " ")
  }

  private func page(_ summary: Summary) -> String { Page(RunRecords(summary: summary)).html() }

  @Test("better means strictly better, and ties are named beside it")
  func tiesApart() throws {
    let summary = summary(.init(winRateVsSFT: Self.ties))
    let verdict = try #require(WinRates(summary)?.verdict(ShownModels(RunRecords(summary: summary))))
    #expect(verdict.contains("answers better than SFT on 5.0\u{A0}% of 40 held-out comparisons"))
    #expect(verdict.contains("the same on 95.0\u{A0}% and worse on 0.0\u{A0}%"))
    #expect(verdict.contains("its win rate is 52.5\u{A0}% (95\u{A0}% interval over 20 prompts"))
    #expect(page(summary).contains("answers better than SFT on 5.0\u{A0}%"))
    #expect(terminal(summary).contains("answers better than SFT on 5.0 %"))
    for text in [page(summary), terminal(summary)] {
      for title in WinRates.shares.map(\.title) { #expect(text.contains(title)) }
    }
  }

  @Test("where no rubric judges, the reward model's verdict is called one")
  func ownData() {
    let summary = summary(.init(proxyWinRateVsSFT: Self.ties))
    let judge = "by the reward model it was trained against, not by a person"
    for text in [page(summary), terminal(summary)] {
      #expect(text.contains("B" + judge.dropFirst()) && text.contains(judge))
    }
  }

  @Test("prompts that PPO learnt from are not called held out")
  func nothingHeldOut() {
    let rows = Summary.HeldOutRows(Summary.HeldOutRows.prompts, heldOut: 0, of: 8, use: "so it is")
    let summary = summary(.init(proxyWinRateVsSFT: Self.ties), heldOut: [rows])
    for text in [page(summary), terminal(summary)] {
      #expect(text.contains("on prompts that it trained on") && text.contains("None of your 8 prompts"))
      #expect(!text.contains("held-out comparisons") && !text.contains("On held-out prompts"))
    }
    #expect(!page(summary).contains("held out of training"))
  }

  @Test("how many rows are held out of the user's files, of how many, is said")
  func heldOut() {
    let rows = Summary.HeldOutRows("comparisons", heldOut: 4, of: 40, use: "they measure the accuracy")
    let summary = summary(.init(proxyWinRateVsSFT: Self.ties), heldOut: [rows])
    for text in [page(summary), terminal(summary)] {
      #expect(text.contains("4 of your 40 comparisons are held out of training"))
    }
  }

  @Test("the reward model's accuracy has its pairs, prompts and interval; agreement that nobody measured is not told")
  func rewardModel() {
    let reward = Summary.RewardModel(
      accuracy: 1, accuracyLow: 0.438, accuracyHigh: 1, pairs: 3, prompts: 3, tiedScores: 0,
      pairsHeldOutLabelers: 0)
    let text = terminal(summary(.init(), reward))
    #expect(text.contains("right on 100.0 % of 3 held-out pairs of 3 prompts (95 % interval 43.8 % to 100.0 %)."))
    #expect(page(summary(.init(), reward)).contains("100.0\u{A0}%, n\u{A0}3"))
    for text in [text, page(summary(.init(), reward))] {
      #expect(!text.contains("agree") && !text.contains("agreement between labelers"))
    }
    let measured = Summary.RewardModel(
      accuracy: 0.7, labelerAgreement: 0.725, pairs: 400, labelerAgreementPairs: 380)
    #expect(terminal(summary(.init(), measured)).contains("labelers agree on 72.5 % of 380"))
  }

  @Test("every figure of the table has the n that the run tells, a range where models differ")
  func counts() {
    var summary = summary(.init(gold: 0.8, honest: 0.7, n: ["gold": 200, "honest": 90]))
    summary.models["sft"] = .init(gold: 0.7, honest: 0.6, n: ["gold": 200, "honest": 88])
    let lines = TerminalReport(RunRecords(summary: summary), width: 80, colour: false).text()
      .split(separator: "\n")
    #expect(lines.first { $0.hasPrefix("Gold") }?.hasSuffix(" 200") == true)
    #expect(lines.first { $0.hasPrefix("Honest") }?.hasSuffix(" 88–90") == true)
    #expect(page(summary).contains("<td class=\"n\">88–90</td>"))
  }

  @Test("a run of before n was kept has its table without that column")
  func olderRuns() {
    let lines = TerminalReport(
      RunRecords(summary: summary(.init(gold: 0.8))), width: 80, colour: false
    ).text().split(separator: "\n")
    #expect(lines[0].split(separator: " ") == ["SFT", "PPO-ptx"])
    #expect(lines[1].hasSuffix("0.800"))
  }
}
