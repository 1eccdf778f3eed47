import Dialogues
import Evaluation
import Inference
import Runs
import Statistics
import Support
import World

/// Measures how far a reward model agrees with the labelers that it was trained on, with held-out labelers, and with
/// the rubric; how much more labels help, and how much labelers' errors cost (InstructGPT, section 4.1 and appendix
/// E.2; Stiennon et al. 2020, section 4.3).
struct LabelersStudy: FileStudy {
  let name = "labelers"
  let question =
    "Does a reward model agree with labelers it was not trained on, do more labels help, and what do errors cost?"
  let seeds = 3
  let columns = [
    "labels", "errors", "rankings", "share", "accuracy_training_labelers", "accuracy_held_out_labelers",
    "accuracy_rubric", "labeler_agreement", "pairs_training_labelers", "pairs_held_out_labelers",
    "labeler_agreement_pairs",
  ]
  let takesReward = false

  /// The labelers' error rates: as they are, without errors, and with twice the errors.
  private static let errors: [(name: String, factor: Double)] = [
    ("as they are", 1), ("without errors", 0), ("with twice the errors", 2),
  ]

  /// Divisors of the number of rankings: each reward model is trained on all rankings divided by one of these.
  private static let shares = [8, 4, 2, 1]

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let sft = try laboratory.sft()
    let rankings = try laboratory.rankings(of: sft)
    let all = laboratory.settings.count(.rankingPrompts)
    var rows: [StudyRow] = []
    for (name, factor) in Self.errors {
      let training = factor == 1
        ? rankings.training : relabelled(rankings.training, laboratory, errors: factor)
      // The slope needs all sizes. The other arms need two sizes, to tell a shift from a change of slope.
      for share in factor == 1 ? Self.shares : [4, 2] {
        let count = all / share
        let reward = try laboratory.reward(
          "reward-\(Int(factor))-\(count)", from: sft, Array(training.prefix(count)))
        let figures = try assess(reward, rankings, laboratory)
        rows.append(
          StudyRow(
            ["labels": name],
            figures.merging([
              "errors": factor, "rankings": Double(count), "share": 1 / Double(share),
            ]) { old, _ in old }))
      }
    }
    return rows
  }

  /// Ranks the same answers again with the same labelers, whose error rates are multiplied by `errors`.
  private func relabelled(
    _ comparisons: [Comparison], _ laboratory: Laboratory, errors: Double
  ) -> [Comparison] {
    let rubric = Rubric(laboratory.world)
    return comparisons.enumerated().map { index, comparison in
      let labeler = Labeler.training[index % Labeler.training.count].erring(times: errors)
      var random = RandomStream(
        seed: laboratory.seed, purpose: "study/labelers/\(errors)", index: UInt64(index))
      return Comparison(
        prompt: comparison.prompt, completions: comparison.completions,
        ranks: labeler.rank(
          comparison.completions, for: laboratory.world.item(.comparisons, index), by: rubric,
          stream: &random),
        labeler: labeler.id, policy: comparison.policy)
    }
  }

  func check(_ files: StudyFiles, seed: UInt64) throws { _ = try LabelerSplit(files, seed: seed) }

  /// Measures the user's rankings, which name their labelers. Each seed holds out different labelers and prompts, and
  /// reward models are trained on parts of the rest.
  func measure(_ files: StudyFiles, _ workshop: Workshop) throws -> [StudyRow] {
    let split = try LabelerSplit(files, seed: workshop.seed)
    var counts: [Int] = []
    return try Self.shares.reversed().compactMap { share in
      let count = max(1, split.training.count / share)
      // With few rankings, several shares give the same count; it is measured once.
      guard !counts.contains(count) else { return nil }
      counts.append(count)
      let reward = try workshop.reward(
        "reward-\(count)", from: workshop.base, Array(split.training.prefix(count)), at: files.place,
        heldOut: split.test, demonstrations: nil)
      let scorer = try workshop.scorer(reward)
      let test = try split.test.tokenized(scorer.model.tokenizer, threads: workshop.context.threads)
      let figures = try RewardAssessment(
        scorer, test, heldOutLabelers: split.heldOutLabelers
      ).figures(agreement: split.agreement)
      return StudyRow(
        ["labels": Self.errors[0].name],
        [
          "errors": 1, "rankings": Double(count), "share": 1 / Double(share),
        ].merging(Self.columns(figures)) { own, _ in own })
    }.reversed()
  }

  private func assess(
    _ reward: String, _ rankings: Laboratory.Rankings, _ laboratory: Laboratory
  ) throws -> [String: Double?] {
    let scorer = try laboratory.scorer(reward)
    let heldOut = try rankings.heldOut.tokenized(scorer.model.tokenizer, threads: laboratory.context.threads)
    let figures = try RewardAssessment(
      scorer, heldOut, heldOutLabelers: Set(Labeler.heldOut.map(\.id))
    ).figures(agreement: LabelerAgreement(rankings.heldOut))
    let rubric = Rubric(laboratory.world)
    let asked = laboratory.heldOutAnswers(rankings)
    let gold = Tally(
      try laboratory.scores(scorer, asked.map(\.item), asked.map(\.answers)),
      orderedBy: asked.map { asked in asked.answers.map { rubric.grade($0, for: asked.item).gold } })
    return Self.columns(figures).merging(["accuracy_rubric": gold.share]) { own, _ in own }
  }

  /// A row's values about labelers, with their numbers of pairs.
  private static func columns(_ figures: Summary.RewardModel) -> [String: Double?] {
    [
      "accuracy_training_labelers": figures.accuracy,
      "accuracy_held_out_labelers": figures.accuracyHeldOutLabelers,
      "labeler_agreement": figures.labelerAgreement,
      "pairs_training_labelers": figures.pairs.map(Double.init),
      "pairs_held_out_labelers": figures.pairsHeldOutLabelers.map(Double.init),
      "labeler_agreement_pairs": figures.labelerAgreementPairs.map(Double.init),
    ]
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let usual = rows.with(["labels": Self.errors[0].name])
    let most = usual.with("share", 1)
    guard let least = usual.values("share").min(), let largest = most.mean("rankings"),
      let smallest = usual.with("share", least).mean("rankings")
    else { preconditionFailure("no rows of the labelers as they are") }
    let known = most.estimate("accuracy_training_labelers")
    let other = most.estimate("accuracy_held_out_labelers")
    let gap = most.gap("accuracy_training_labelers", to: "accuracy_held_out_labelers")
    let agreement = usual.estimate("labeler_agreement")
    let agreed = agreement.map {
      ", and two labelers agree with each other on "
        + "\($0.percent)\(usual.sized("labeler_agreement_pairs", unit: "pairs"))"
    } ?? ""
    let slope = slope(usual, "accuracy_training_labelers")
    let rubricSlope = self.slope(usual, "accuracy_rubric")
    let costs = Self.errors.dropFirst().compactMap { arm in
      rows.with(["labels": arm.name]).gain("accuracy_rubric", over: usual).map { (arm.name, $0) }
    }
    let shape = slope.map { $0.isClear && $0.mean > 0 } ?? false ? "which is a clear gain" : "which may be chance"
    let byRubric = rubricSlope == nil ? "" : ", and \(points(rubricSlope)) of agreement with the rubric"
    var text = """
      Trained on \(Int(largest)) rankings, reward models order \
      \(known.percent)\(most.sized("pairs_training_labelers", unit: "pairs")) of held-out pairs like the labelers of \
      the training data, and \(other.percent)\(most.sized("pairs_held_out_labelers", unit: "pairs")) like held-out \
      labelers; the difference is \(gap.percent)\(agreed). InstructGPT \
      has 72.4 ± 0.4 %, 69.6 ± 0.9 % and 72.6 ± 1.5 %. From \(Int(smallest)) to \(Int(largest)) rankings, each \
      doubling adds \(points(slope)) of agreement with the labelers, \(shape)\(byRubric); \
      Stiennon et al. found about 1.1 points per doubling with far larger models.
      """
    for (name, cost) in costs {
      text += " If the same answers are ranked \(name), agreement with the rubric changes by \(cost.percent)"
      text += cost.isClear ? "." : ", which may be chance."
    }
    return StudyFinding(
      text: text,
      figures: [
        .init(
          "accuracy, labelers of training", known, published: "72.4 ± 0.4 % (InstructGPT, E.2)"),
        .init("accuracy, held-out labelers", other, published: "69.6 ± 0.9 % (InstructGPT, E.2)"),
      ]
        + (agreement == nil
          ? []
          : [
            .init(
              "agreement of two labelers", agreement, published: "72.6 ± 1.5 % (InstructGPT, 3.4)")
          ]) + [
        .init(
          "accuracy a doubling of labels", slope, published: "0.011 (Stiennon et al. 2020, 4.3)"),
      ]
        + (rubricSlope == nil ? [] : [.init("accuracy against the rubric a doubling", rubricSlope)])
        + costs.map { .init("accuracy against the rubric, ranked \($0.0) less as they are", $0.1) },
      charts: charts(rows, usual: usual, least: least, smallest: smallest))
  }

  private func charts(_ rows: StudyRows, usual: StudyRows, least: Double, smallest: Double)
    -> [StudyRecord.Chart]
  {
    func chart(_ title: String, unit: String, _ lines: [(String, StudyRows, String)])
      -> StudyRecord.Chart
    {
      .init(
        title: title, unit: unit, xTitle: "doublings of \(Int(smallest)) rankings",
        series: lines.map { name, rows, column in
          .init(name, rows, x: "share", y: column, scale: { Self.doublings($0, of: least) })
        }.filter { !$0.points.isEmpty })
    }
    return [
      chart(
        "Accuracy on held-out pairs", unit: "share of pairs",
        [
          ("labelers of training", usual, "accuracy_training_labelers"),
          ("held-out labelers", usual, "accuracy_held_out_labelers"),
          ("the rubric", usual, "accuracy_rubric"),
        ]),
      chart(
        "Errors of the labelers", unit: "share of the rubric's pairs",
        Self.errors.map { ($0.name, rows.with(["labels": $0.name]), "accuracy_rubric") }),
    ].filter { !$0.series.isEmpty }
  }

  private static func doublings(_ share: Double, of least: Double) -> Double {
    DeterministicMath.log(share / least) / DeterministicMath.log(2)
  }

  /// The mean over seeds of each seed's slope. Slopes are taken within a seed, because the reward models of one seed
  /// learn from parts of the same rankings.
  private func slope(_ rows: StudyRows, _ column: String) -> Estimate? {
    rows.overSeeds { own in
      let points = own.rows.compactMap { row in
        row["rankings"].flatMap { rankings in row[column].map { (rankings, $0) } }
      }
      return Student.slopePerDoubling(sizes: points.map(\.0), y: points.map(\.1))?.mean
    }
  }

  private func points(_ slope: Estimate?) -> String {
    guard let slope else { return "an unknown number of points" }
    func fixed(_ value: Double) -> String { Wording.fixed(100 * value, 1) }
    guard let low = slope.low, let high = slope.high else { return "\(fixed(slope.mean)) points" }
    return "\(fixed(slope.mean)) points (\(fixed(low)) to \(fixed(high)))"
  }
}

extension StudyRows {
  /// The mean over seeds of the difference to the other rows with the same numbers of rankings.
  fileprivate func gain(_ column: String, over others: StudyRows) -> Estimate? {
    let sizes = Set(values("share"))
    return difference(column, to: others.filter { sizes.contains($0["share"] ?? -1) })
  }
}
