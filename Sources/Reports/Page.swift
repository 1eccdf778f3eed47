import Runs
import Support

/// The report as one HTML page.
struct Page {
  private let records: RunRecords
  private let models: ShownModels

  init(_ records: RunRecords) {
    self.records = records
    models = ShownModels(records)
  }

  func html() -> String {
    PageFrame.html(
      title: "tinyrlhf run report",
      header() + results() + stages() + answers() + configuration() + footer())
  }

  // MARK: Results

  private func header() -> String {
    var facts = records.manifest.map(PageFrame.facts) ?? []
    if let summary = records.summary {
      facts.append("\(Formatting.duration(summary.seconds)) in all")
      facts.append("peak memory \(Formatting.bytes(summary.peakResidentBytes))")
    }
    return Markup.element(
      "header", [],
      PageFrame.line(facts) + Markup.text("h1", [], "Results of the run") + lead() + warnings())
  }

  /// The result in one sentence.
  private func lead() -> String {
    guard let summary = records.summary else {
      return Markup.text(
        "p", [("class", "lead")],
        "This run has no results yet; the curves show its progress.")
    }
    let verdict = WinRates(summary)?.verdict(models)
    return verdict.map { Markup.text("p", [("class", "lead")], $0) } ?? ""
  }

  private func warnings() -> String {
    Warnings(records, models).all.map { warning in
      Markup.element(
        "p", [("class", "warning")], Markup.text("strong", [], "Warning:") + " " + Markup.escape(warning))
    }.joined()
  }

  private func results() -> String {
    guard let summary = records.summary, !summary.models.isEmpty else { return "" }
    var text = ResultsTable.html(summary, models)
    let others = records.evaluation?.comparisons ?? []
    if !others.isEmpty {
      let lines = others.map {
        "\(models.name($0.model)) against \(models.name($0.against)): "
          + "\(Numbers.text($0.winRate.mean, .percent)) (\($0.winRate.detail))"
      }
      text += Markup.text(
        "p", [("class", "aside")], "Other win rates. " + lines.joined(separator: "; ") + ".")
    }
    let sentences =
      (Measure.areCounted(summary) ? ["\(Measure.counted)."] : []) + (summary.heldOut ?? []).map(\.sentence)
    if !sentences.isEmpty { text += Markup.text("p", [("class", "aside")], sentences.joined(separator: " ")) }
    return Markup.element("section", [("class", "full")], text)
  }

  // MARK: Curves

  /// A sentence about the curves of reward model and PPO if the run has several rounds; else empty.
  private var rounds: String {
    guard let count = records.manifest?.configuration["rounds"]?.number, count > 1 else { return "" }
    return " The curves show \(Numbers.count(count)) rounds. In each round, a new reward model starts "
      + "from SFT and learns from all rankings so far."
  }

  private func stages() -> String {
    let curves = Curves(records)
    var text = ""
    if records.metrics.contains(where: { $0.stage == "pretrain" }) {
      text += section(
        "Pretraining", prose: "The base model learns the language of its text, including false statements.",
        curves.charts(of: "pretrain"))
    }
    text += section(
      "Supervised fine-tuning",
      prose: "The base model learns from demonstrations how to answer.",
      curves.charts(of: "sft"))
    text += section(
      "Reward model",
      prose: "It learns from ranked answers which one a labeler prefers. A calibrated model is right as "
        + "often as it predicts: its points are on the dotted line." + rounds,
      curves.charts(of: "reward"), others: [curves.calibration()], facts: rewardFacts())
    text += section(
      "PPO",
      prose: "The policy learns to maximise the reward model’s score; the KL penalty keeps it near SFT. "
        + "Thin lines are single iterations, strong lines their moving average; the number at "
        + "a line’s end is the average’s last value." + rounds,
      curves.charts(of: "ppo"), facts: rolloutFacts())
    text += section(
      "Proxy and gold",
      prose: "The reward model is only a proxy. If its score still rises while the gold score falls, the policy "
        + "maximises the proxy at the cost of the real goal.",
      curves.overoptimisation(), more: CategoryPlot.figure(records, models))
    return text
  }

  private func section(
    _ title: String, prose: String, _ curves: [Chart], others: [Chart] = [], facts: [(String, String)] = [],
    more: String? = nil
  ) -> String {
    let figures = (curves + others).map { (title: $0.title, figure: $0.figure()) }
    let missing = (curves.isEmpty ? ["its curves"] : []) + figures.filter { $0.figure == nil }.map(\.title)
    let note =
      missing.isEmpty
      ? ""
      : Markup.text(
        "p", [("class", "missing")],
        "Not shown, because this run has no data for \(missing.count == 1 ? "it" : "them"): "
          + missing.joined(separator: ", ") + ".")
    let list = facts.map { Markup.text("dt", [], $0.0) + Markup.text("dd", [], $0.1) }.joined()
    let aside = Markup.element(
      "div", [("class", "prose")],
      Markup.text("h2", [], title) + Markup.text("p", [], prose)
        + (list.isEmpty ? "" : Markup.element("dl", [], list)) + note)
    return Markup.element(
      "section", [],
      aside
        + Markup.element(
          "div", [("class", "charts")], figures.compactMap(\.figure).joined() + (more ?? "")))
  }

  private func rewardFacts() -> [(String, String)] {
    guard let model = records.summary?.rewardModel else { return [] }
    let all: [(String, String?)] = [
      ("accuracy on held-out pairs", share(model.accuracy, model.pairs)),
      ("… its 95 % interval over prompts", accuracyInterval(model)),
      (
        "… with labelers not seen in training",
        share(model.accuracyHeldOutLabelers, model.pairsHeldOutLabelers)
      ),
      (
        "… of the rubric, on the same pairs",
        share(model.goldRubricAccuracy, model.pairs)
      ),
      ("agreement between labelers", share(model.labelerAgreement, model.labelerAgreementPairs)),
      ("prompts of the held-out pairs", model.prompts.map(Numbers.count)),
      ("pairs with equal scores, half right", model.tiedScores.flatMap { $0 == 0 ? nil : Numbers.count($0) }),
      (
        "correlation of reward and length",
        model.lengthCorrelation.map { Numbers.text($0, .decimal(2)) }
      ),
      (
        "… within the answers to one prompt",
        model.lengthCorrelationWithinPrompts.map { Numbers.text($0, .decimal(2)) }
      ),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  /// "71.2 %, n 419".
  private func share(_ value: Double?, _ count: Int?) -> String? {
    value.map { Numbers.text($0, .percent) + (count.map { ", n\u{A0}\(Numbers.count($0))" } ?? "") }
  }

  private func accuracyInterval(_ model: Summary.RewardModel) -> String? {
    guard let low = model.accuracyLow, let high = model.accuracyHigh else { return nil }
    return "\(Numbers.text(low, .percent)) to \(Numbers.text(high, .percent))"
  }

  private func rolloutFacts() -> [(String, String)] {
    guard let rollouts = records.summary?.rollouts else { return [] }
    let all: [(String, String?)] = [
      ("mean importance weight", rollouts.isMean.map { Numbers.text($0, .decimal(4)) }),
      ("largest importance weight", rollouts.isMax.map { Numbers.text($0, .decimal(2)) }),
      (
        "share of weights cut at the cap",
        rollouts.clippedFraction.map { Numbers.text($0 * 100, .decimal(2)) + "\u{A0}%" }
      ),
      ("int8 to float32, k3", rollouts.k3.map(Numbers.short)),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  // MARK: The rest

  private func answers() -> String {
    Markup.element(
      "section", [("class", "full")],
      Markup.text("h2", [], "Answers before and after") + Answers.html(records, models))
  }

  private func configuration() -> String {
    guard let manifest = records.manifest else { return "" }
    return Markup.element(
      "section", [("class", "full")],
      Markup.text("h2", [], "The run") + stageTable(manifest) + PageFrame.configuration(manifest))
  }

  private func stageTable(_ manifest: Manifest) -> String {
    let longest = max(manifest.stages.map(\.seconds).max() ?? 0, 1e-9)
    let rows = manifest.stages.map { stage in
      let bar = Markup.element(
        "svg",
        [("viewBox", "0 0 200 10"), ("preserveAspectRatio", "none"), ("aria-hidden", "true")],
        Markup.empty(
          "rect",
          [
            ("class", "bar"), ("height", "10"),
            ("width", Formatting.fixed(max(1, 200 * (stage.seconds / longest)), 1)),
          ]))
      let status = stage.status == .finished ? "" : "not finished"
      return Markup.element(
        "tr", [],
        Markup.text("th", [("scope", "row")], stage.name)
          + Markup.text("td", [], Formatting.duration(stage.seconds))
          + Markup.element("td", [("class", "time")], bar)
          + Markup.text("td", [("class", "file")], stage.checkpoint ?? status)
          + Markup.text("td", [("class", "file")], stage.identity ?? ""))
    }
    let names = [("Stage", ""), ("Time", ""), ("", "time"), ("File", "file"), ("Identity", "file")]
    let head = names.map { Markup.text("th", [("scope", "col"), ("class", $0.1)], $0.0) }
    return Markup.element(
      "div", [("class", "scroll")],
      Markup.element(
        "table", [("class", "stages")],
        Markup.element("thead", [], Markup.element("tr", [], head.joined()))
          + Markup.element("tbody", [], rows.joined())))
  }

  private func footer() -> String {
    let version = records.manifest.map { "manifest version \($0.version); " } ?? ""
    return Markup.text(
      "footer", [],
      "Made by tinyrlhf report from the files of the run folder; \(version)"
        + "KL in nats a sequence, shares in per cent"
        + (records.summary?.isOnTrainedPrompts ?? false
          ? "." : ", all figures on prompts held out of training."))
  }
}
