import Dialogues
import Statistics
import Testing

@testable import Studies

/// Rows of several seeds, one by one a little apart.
private func rows(
  _ rows: [([String: String], [String: Double])], seeds: Int = 3
) -> StudyRows {
  StudyRows(
    (1...UInt64(seeds)).flatMap { seed in
      rows.map { labels, values in
        var row = StudyRow(labels, values.mapValues { $0 + 1e-4 * Double(seed) })
        row.seed = seed
        return row
      }
    })
}

@Suite struct JudgingTests {
  @Test("a disputed pair is one that two groups order in opposite ways")
  func disputed() {
    var disputed = Tally()
    disputed.add([3, 2, 1], orderedBy: [0.9, 0.5, 0.1], opposedTo: [0.9, 0.1, 0.5])
    #expect(disputed.count == 1 && disputed.share == 1)
    disputed.add([1, 2], orderedBy: [1, 0], opposedTo: [0, 1])
    #expect(disputed.count == 2 && disputed.share == 0.5)
    disputed.add([1, 2], orderedBy: [1, 0], opposedTo: [0.5, 0.5])
    #expect(disputed.count == 2)
  }

  @Test("a flip is a pair that changes its order; a new tie is half of one, an old tie none")
  func flips() throws {
    var flips = RankFlips()
    flips.add([3, 2, 0], edited: [2, 3, 0], orders: [[1, 0.5, 0]])
    var row = try #require(flips.row("edit"))
    #expect(row["pairs"] == 3 && row["flipped"] == 1.0 / 3 && row["other_best"] == 1)
    // The two that changed places were sure: one apart.
    #expect(row["flipped_sure"] == 1.0 / 3)
    #expect(row["accuracy_plain"] == 1 && row["accuracy"] == 2.0 / 3)
    #expect(row["accuracy_lost"] == 1.0 / 3 && row["accuracy_lost_low"]! < 1.0 / 3)
    #expect(row["accuracy_lost_low"]! > -1 && row["accuracy_lost_high"]! > 1.0 / 3)
    flips.add([1, 1, 0.5], edited: [0, 0, 0], orders: [])
    row = try #require(flips.row("edit"))
    #expect(row["pairs"] == 5 && row["flipped"] == 2.0 / 5 && row["other_best"] == 0.5)
    flips.add([1, 2], edited: [], orders: [])
    #expect(try #require(flips.row("edit"))["prompts"] == 2)
    #expect(RankFlips().row("edit") == nil)
  }

  @Test("a prompt that several have ranked stands once, with each one's order of the answers that they saw")
  func stabilityCases() {
    func ranking(_ prompt: String, _ answers: [String], _ ranks: [Int]) -> Comparison {
      Comparison(prompt: Prompt(prompt), completions: answers, ranks: ranks)
    }
    let cases = RankStability.cases([
      ranking("Who?", ["a", "b"], [2, 1]), ranking("What?", ["x", "y"], [1, 2]),
      ranking("Who?", ["c", "a"], [1, 2]),
    ])
    #expect(cases.map(\.prompt) == [Prompt("Who?"), Prompt("What?")])
    #expect(cases.map(\.answers) == [["a", "b", "c"], ["x", "y"]])
    #expect(cases[0].orders == [[-2, -1, nil], [-2, nil, -1]])
    var flips = RankFlips()
    flips.add([1, 2, 3], edited: [1, 2, 0], orders: cases[0].orders)
    let row = flips.row("edit")
    // Of three pairs two turn; each judge has one pair, and the second's is lost.
    #expect(row?["prompts"] == 1 && row?["flipped"] == 2.0 / 3 && row?["accuracy_lost"] == 0.5)
  }

  @Test("ranked by length, the answer of most words is the best, and equal lengths tie")
  func byLength() {
    let comparison = Comparison(
      prompt: Prompt(turns: [Turn(.user, "Hello.")]),
      completions: ["One two.", "One two three.", "Three, four."], ranks: [1, 2, 3])
    #expect(LengthStudy.byLength(comparison).ranks == [2, 1, 2])
  }
}

@Suite struct JudgedFindingTests {
  @Test("labelers: the slope is that of the rows, beside Stiennon's, and a cost of errors is called clear only if it is")
  func labelers() throws {
    let sizes = [375.0, 750, 1500, 3000]
    let usual = sizes.enumerated().map { place, prompts in
      (
        ["labels": "as they are"],
        [
          "rankings": prompts, "share": prompts / 3000, "accuracy_training_labelers": 0.6 + 0.02 * Double(place),
          "accuracy_held_out_labelers": 0.58 + 0.02 * Double(place),
          "accuracy_rubric": 0.65 + 0.03 * Double(place), "labeler_agreement": 0.73,
        ]
      )
    }
    let noisy = (
      ["labels": "with twice the errors"], ["share": 0.25, "accuracy_rubric": 0.60]
    )
    // Sizes are labels as much as values: they stay whole.
    let all = StudyRows(
      ([1, 2, 3] as [UInt64]).flatMap { seed in
        (usual + [noisy]).map { labels, values in
          var row = StudyRow(labels, values)
          row.seed = seed
          return row
        }
      })
    let finding = LabelersStudy().conclude(all)
    #expect(finding.text.contains("2.0 points (2.0 to 2.0) of agreement with the labelers"))
    #expect(finding.text.contains("which is a clear gain") && finding.text.contains("Stiennon"))
    #expect(finding.text.contains("are ranked with twice the errors"))
    let cost = try #require(finding.figures.last?.value)
    #expect(abs(cost + 0.08) < 1e-9)
  }

  @Test("stability: the worst edit is named, with what it costs")
  func stability() {
    let finding = StabilityStudy().conclude(
      rows([
        (
          ["edit": "paraphrase"],
          [
            "flipped": 0.10, "flipped_sure": 0.01, "other_best": 0.12, "accuracy": 0.60,
            "accuracy_plain": 0.70, "accuracy_lost": 0.10,
          ]
        ),
        (["edit": "trailing-space"], ["flipped": 0.02, "flipped_sure": 0, "other_best": 0.01]),
      ]))
    #expect(finding.text.contains("Most pairs are reversed by paraphrase"))
    #expect(finding.text.contains("almost only close pairs are reversed."))
    #expect(StabilityStudy().conclude(StudyRows([])).figures.isEmpty)
  }

  @Test("generalization: a gain in the held-out category carries over only if the seeds agree on it")
  func generalization() {
    func finding(_ gain: Double, shown: Double = 0.9) -> String {
      GeneralizationStudy().conclude(
        rows([
          (["model": "base", "category": "all shown"], ["gold": 0.4]),
          (["model": "sft", "category": "all shown"], ["gold": 0.8]),
          (["model": "ppo", "category": "all shown"], ["gold": shown]),
          (["model": "base", "category": "extraction"], ["gold": 0.3]),
          (["model": "sft", "category": "extraction"], ["gold": 0.5]),
          (["model": "ppo", "category": "extraction"], ["gold": 0.5 + gain]),
        ])
      ).text
    }
    #expect(finding(0.1).contains("PPO's gain carries over"))
    #expect(finding(-0.1).contains("PPO loses there"))
    #expect(finding(0).contains("PPO gains only in what it was trained on"))
    #expect(finding(0, shown: 0.8).contains("these seeds cannot tell"))
  }

  @Test("sensitivity: the order of plain and few-shot base is compared with InstructGPT's")
  func sensitivity() {
    func finding(few: Double) -> String {
      SensitivityStudy().conclude(
        rows([
          (["model": "base", "form": "plain"], ["ppo_win_rate": 0.9]),
          (["model": "base", "form": "few-shot"], ["ppo_win_rate": few, "gold": 0.6, "gold_plain": 0.4]),
          (["model": "ppo", "form": "paraphrase"], ["changed": 0.2]),
        ])
      ).text
    }
    #expect(finding(few: 0.7).contains("the order is the same here"))
    #expect(finding(few: 0.95).contains("the order is not the same here"))
  }

  @Test("length: what mere length wins is called by its sign")
  func length() {
    func finding(_ won: Double) -> String {
      LengthStudy().conclude(
        rows([
          (
            ["policy": "ppo-length", "judge": "rubric"],
            ["win_rate": won, "length_controlled": 0.4, "words": 30]
          ),
          (
            ["policy": "ppo-length", "judge": "thorough"],
            ["win_rate": 0.9, "length_controlled": 0.5, "words": 30]
          ),
        ])
      ).text
    }
    #expect(finding(0.6).contains("brings a gain") && finding(0.3).contains("brings a loss"))
  }

  @Test("groups: who loses more is named, and groups without rows are not spoken for")
  func groups() {
    func rows(_ firstAtHalf: Double) -> StudyRows {
      groupRows(
        [1, 0.75, 0.5, 0.25, 0].map { share in
          [
            "share": share, "disputed_to_first": share,
            "value_first": share == 0.5 ? firstAtHalf : share, "value_second": 1 - share,
          ]
        })
    }
    #expect(GroupsStudy().conclude(rows(0.1)).text.contains("the terse lose more"))
    #expect(GroupsStudy().conclude(rows(0.9)).text.contains("the thorough lose more"))
    #expect(GroupsStudy().conclude(rows(0.9)).text.contains("No prompt of the cautious"))
  }

  private func groupRows(_ values: [[String: Double]]) -> StudyRows {
    StudyRows(
      ([1, 2, 3] as [UInt64]).flatMap { seed in
        values.map { values in
          var row = StudyRow(["groups": "terse/thorough"], values)
          row.seed = seed
          return row
        }
      })
  }
}
