import Dialogues
import Evaluation
import Inference
import Runs
import Statistics
import Support
import World

/// Tests whose preference a reward model learns from labelers who want different things, and who loses
/// (InstructGPT, section 5.2, "who are we aligning to?"; Siththaranjan et al. 2023, arXiv 2312.08358).
struct GroupsStudy: Study {
  let name = "groups"
  let question =
    "When labelers want different things, whose preference does the reward model learn, and who loses?"
  let seeds = 3
  let columns = [
    "groups", "share", "disputed_pairs", "disputed_to_first", "agreement_first", "agreement_second",
    "value_first", "value_second", "rubric",
  ]

  /// Two groups of labelers with opposite preferences, and the split of prompts where their preferences differ.
  private struct Dispute {
    let first: Labeler.Group
    let second: Labeler.Group
    let split: Split

    var name: String { "\(first.name)/\(second.name)" }

    init(_ first: String, against second: String, _ split: Split) {
      func group(_ name: String) -> Labeler.Group { Labeler.groups.first { $0.name == name }! }
      (self.first, self.second, self.split) = (group(first), group(second), split)
    }
  }

  private static let disputes = [
    Dispute("terse", against: "thorough", .evaluation), Dispute("cautious", against: "obliging", .harmlessness),
  ]
  /// The shares of the prompts that the first group ranks.
  private static let shares = [1, 0.75, 0.5, 0.25, 0]
  /// Number of answers by the fine-tuned model, and the same number in the styles of the world's writers. Some writers
  /// give answers that the model would not give.
  private static let answers = 2

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let sft = try laboratory.sft()
    // The study trains ten reward models, so each gets a third of the prompts.
    let prompts = max(8, laboratory.settings.count(.rankingPrompts) / 3)
    return try Self.disputes.flatMap { dispute in
      // For the harmlessness dispute, every second training prompt is a request of the disputed kind.
      let items = (0..<prompts).map { index in
        guard dispute.split == .harmlessness else { return laboratory.world.item(.comparisons, index) }
        return index % 2 == 0
          ? laboratory.world.request(index / 2) : laboratory.world.item(.comparisons, index / 2)
      }
      let name = dispute.first.name
      let training = try answers(
        "\(name)-training", of: sft, to: items, samples: Self.answers, laboratory)
      let asked = (0..<laboratory.settings.count(.evaluationPrompts)).map {
        laboratory.world.item(dispute.split, $0)
      }
      let heldOut = try answers(
        "\(name)-held-out", of: sft, to: asked, samples: 2 * Self.answers, laboratory)
      return try Self.shares.map { share in
        let reward = try laboratory.reward(
          "reward-\(name)-\(Int(100 * share))", from: sft,
          rankings(items, answers: training, dispute, share: share, laboratory))
        return row(
          dispute, share: share, scores: try laboratory.scores(laboratory.scorer(reward), asked, heldOut),
          items: asked, answers: heldOut, laboratory)
      }
    }
  }

  private func answers(
    _ name: String, of sft: String, to items: [WorldItem], samples: Int, _ laboratory: Laboratory
  ) throws -> [[String]] {
    let tuned = try laboratory.gradedAnswers(name, of: sft, to: items, samples: samples)
    return zip(items.indices, tuned).map { index, tuned in
      guard !tuned.isEmpty else { return [] }
      var random = RandomStream(
        seed: laboratory.seed, purpose: "study/groups/\(name)", index: UInt64(index))
      return tuned.map(\.text)
        + laboratory.world.imitationAnswers(for: items[index], count: samples, stream: &random)
    }
  }

  /// Rankings of each prompt by one labeler; with probability `share`, a labeler of the first group.
  private func rankings(
    _ items: [WorldItem], answers: [[String]], _ dispute: Dispute, share: Double,
    _ laboratory: Laboratory
  ) -> [Comparison] {
    let rubric = Rubric(laboratory.world)
    return items.indices.compactMap { index in
      guard answers[index].count > 1 else { return nil }
      var random = RandomStream(
        seed: laboratory.seed, purpose: "study/groups/\(dispute.first.name)", index: UInt64(index))
      let group = Double(random.uniform()) < share ? dispute.first : dispute.second
      let labeler = random.pick(group.labelers)
      return Comparison(
        prompt: Prompt(turns: items[index].prompt), completions: answers[index],
        ranks: labeler.rank(answers[index], for: items[index], by: rubric, stream: &random),
        labeler: labeler.id)
    }
  }

  private func row(
    _ dispute: Dispute, share: Double, scores: [[Double]], items: [WorldItem],
    answers: [[String]], _ laboratory: Laboratory
  ) -> StudyRow {
    let rubric = Rubric(laboratory.world)
    var (first, second, disputed) = (Tally(), Tally(), Tally())
    var chosen = (first: [Double](), second: [Double](), rubric: [Double]())
    for (index, item) in items.enumerated() where scores[index].count > 1 {
      let wanted = { (group: Labeler.Group) in
        answers[index].map { group.value(of: $0, for: item, by: rubric) }
      }
      let (ours, theirs) = (wanted(dispute.first), wanted(dispute.second))
      first.add(scores[index], orderedBy: ours)
      second.add(scores[index], orderedBy: theirs)
      disputed.add(scores[index], orderedBy: ours, opposedTo: theirs)
      // Training would move the model to the answer with the highest score.
      let best = scores[index].indices.max { scores[index][$0] < scores[index][$1] }!
      chosen.first.append(ours[best])
      chosen.second.append(theirs[best])
      chosen.rubric.append(rubric.grade(answers[index][best], for: item).gold)
    }
    return StudyRow(
      ["groups": dispute.name],
      [
        "share": share, "disputed_pairs": disputed.count,
        "disputed_to_first": disputed.share, "agreement_first": first.share,
        "agreement_second": second.share, "value_first": chosen.first.mean,
        "value_second": chosen.second.mean, "rubric": chosen.rubric.mean,
      ])
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    var findings: [String] = []
    var figures: [StudyRecord.Figure] = []
    for dispute in Self.disputes {
      let all = rows.with(["groups": dispute.name])
      let (first, second) = (dispute.first, dispute.second)
      func at(_ share: Double) -> StudyRows { all.with("share", share) }
      let equal = at(0.5).estimate("disputed_to_first")
      let most = at(0.75).estimate("disputed_to_first")
      let few = at(0.25).estimate("disputed_to_first")
      guard let firstLoss = at(1).difference("value_first", to: at(0.5)),
        let secondLoss = at(0).difference("value_second", to: at(0.5)),
        let firstMinority = at(1).difference("value_first", to: at(0.25)),
        let secondMinority = at(0).difference("value_second", to: at(0.75))
      else {
        findings.append("No prompt of the \(first.name) and the \(second.name) had two answers that fit.")
        continue
      }
      let losses = all.overSeeds { rows in
        guard let first = rows.with("share", 1).lead("value_first", over: rows.with("share", 0.5)),
          let second = rows.with("share", 0).lead("value_second", over: rows.with("share", 0.5))
        else { return nil }
        return first - second
      }
      let verdict =
        losses.map { $0.isClear } ?? false
        ? "the \(firstLoss.mean > secondLoss.mean ? first.name : second.name) lose more"
        : "these seeds cannot tell who loses more"
      findings.append(
        """
        The \(first.name) want \(first.wish), the \(second.name) \(second.wish). On pairs where they disagree, \
        a reward model trained on both in equal parts agrees with the \(first.name) in \
        \(equal.percent)\(at(0.5).sized("disputed_pairs", unit: "pairs")); if three \
        quarters of the labels are theirs, in \(most.percent); if one quarter, in \(few.percent). Its favourite of \
        several answers is worth \(firstLoss.text(3)) less to the \(first.name) than the favourite of a model trained \
        on their labels only, and \(secondLoss.text(3)) less to the \(second.name): \(verdict). As a minority of a \
        quarter, the \(first.name) lose \(firstMinority.text(3)) and the \(second.name) \(secondMinority.text(3)).
        """)
      figures += [
        .init("disputed pairs to the \(first.name), equal parts", equal),
        .init("disputed pairs to the \(first.name), three quarters", most),
        .init("disputed pairs to the \(first.name), one quarter", few),
        .init("loss of the \(first.name), equal parts", firstLoss),
        .init("loss of the \(second.name), equal parts", secondLoss),
        .init("loss of the \(first.name) as a quarter", firstMinority),
        .init("loss of the \(second.name) as a quarter", secondMinority),
      ]
    }
    findings.append(
      """
      InstructGPT (section 5.2) warns that a model cannot be aligned to everyone at once if labelers disagree; \
      Siththaranjan et al. (2023) show that a reward model then counts how often each answer wins, over all labelers.
      """)
    return StudyFinding(
      text: findings.joined(separator: " "), figures: figures,
      charts: [
        .init(
          title: "Disputed pairs that go to the first group", unit: "share of pairs",
          xTitle: "share of the labels that are the first group's",
          series: Self.disputes.map {
            .init($0.name, rows.with(["groups": $0.name]), x: "share", y: "disputed_to_first")
          })
      ]
        + Self.disputes.map { dispute in
          let all = rows.with(["groups": dispute.name])
          return .init(
            title: "What the favourite answer is worth: \(dispute.name)", unit: "to the group, 0 to 1",
            xTitle: "share of the labels that are the first group's",
            series: [
              .init("to the \(dispute.first.name)", all, x: "share", y: "value_first"),
              .init("to the \(dispute.second.name)", all, x: "share", y: "value_second"),
            ])
        })
  }
}

extension Tally {
  /// Adds the pairs that `values` and `others` order in opposite ways.
  mutating func add(_ scores: [Double], orderedBy values: [Double], opposedTo others: [Double]) {
    for i in values.indices {
      for j in values.indices where values[i] > values[j] && others[i] < others[j] {
        add(Outcome(scores[i], against: scores[j]))
      }
    }
  }
}
