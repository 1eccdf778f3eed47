import Runs
import Support

/// The results of a run as plain text.
struct TerminalReport {
  private let records: RunRecords
  private let models: ShownModels
  private let width: Int
  private let terminal: Terminal

  init(_ records: RunRecords, width: Int, colour: Bool) {
    self.records = records
    self.width = max(width, 40)
    models = ShownModels(records)
    terminal = Terminal(redraws: false, colour: colour, width: width)
  }

  func text() -> String {
    var lines: [String] = []
    if let summary = records.summary {
      lines += table(summary) + rewardModel(summary)
    } else {
      lines.append("This run has no results yet.")
    }
    for sample in prompts() { lines += [""] + answers(sample) }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Table

  private func table(_ summary: Summary) -> [String] {
    let measures = Measure.all.filter { Measure.isShown($0, summary) }
    let column = 10
    let first = max(
      12, min(28, width - (column + 1) * models.keys.count))
    func row(_ title: String, _ cells: [String]) -> String {
      Self.padded(title, first) + cells.map { " " + Self.aligned($0, column) }.joined()
    }
    let heads = models.keys.map { key in
      " " + String(repeating: " ", count: max(0, column - models.name(key).count))
        + terminal.paint(models.name(key), style(key))
    }
    var lines = [Self.padded("", first) + heads.joined()]
    for measure in measures {
      lines.append(
        row(
          measure.title,
          models.keys.map { key in
            Numbers.text(summary.models[key].flatMap(measure.value), measure.style)
          }))
    }
    let rates = models.keys.map { summary.models[$0]?.winRateVsSFT }
    if rates.contains(where: { $0 != nil }) {
      lines.append(row(Measure.winRateTitle, rates.map { Numbers.text($0?.mean, .percent) }))
      for (key, rate) in zip(models.keys, rates) {
        guard let rate, key != "sft" else { continue }
        lines += wrapped("\(models.name(key)), 95 % interval: \(rate.detail)", indent: 2)
      }
    }
    return lines.map { $0.replacing("\u{A0}", with: " ") }
  }

  private func rewardModel(_ summary: Summary) -> [String] {
    guard let model = summary.rewardModel, let accuracy = model.accuracy else { return [] }
    var text = "Reward model: right on \(Numbers.text(accuracy, .percent)) of held-out pairs"
    if let rubric = model.goldRubricAccuracy {
      text += "; the rubric itself \(Numbers.text(rubric, .percent))"
    }
    if let agreement = model.labelerAgreement {
      text += "; labelers agree on \(Numbers.text(agreement, .percent))"
    }
    return [""] + wrapped(text.replacing("\u{A0}", with: " ") + ".", indent: 0)
  }

  // MARK: Answers

  /// Three prompts with different things at stake (facts, harm, neither) or, where nothing was
  /// graded, of different categories.
  private func prompts() -> [SampleRecord] {
    var (chosen, seen): ([Int], Set<String>) = ([], [])
    for (index, sample) in records.samples.enumerated() where chosen.count < 3 {
      if seen.insert(stake(sample)).inserted { chosen.append(index) }
    }
    for index in records.samples.indices where chosen.count < 3 && !chosen.contains(index) {
      chosen.append(index)
    }
    return chosen.sorted().map { records.samples[$0] }
  }

  private func stake(_ sample: SampleRecord) -> String {
    guard let answer = sample.answers.first, answer.gold != nil else {
      return sample.category ?? ""
    }
    return answer.harmless != nil ? "harm" : answer.honest != nil ? "facts" : "help"
  }

  private func answers(_ sample: SampleRecord) -> [String] {
    var lines: [String] = []
    for turn in sample.prompt {
      let speaker = sample.prompt.count > 1 ? "\(Terminal.harmless(turn.role)): " : ""
      lines += wrapped(speaker + turn.content, indent: 0).map { terminal.paint($0, .bold) }
    }
    for answer in sample.answers {
      let name = Self.padded(Terminal.harmless(models.name(answer.model)), 8)
      let grade = answer.gold.map { "  (\(Numbers.text($0, .decimal(2))))" } ?? ""
      var text = wrapped((answer.text.isEmpty ? "(nothing)" : answer.text) + grade, indent: 10)
      text[0] = "  " + terminal.paint(name, style(answer.model)) + text[0].dropFirst(10)
      lines += text
    }
    return lines
  }

  private func style(_ model: String) -> Terminal.Style {
    switch model {
    case "base": .dim
    case "sft": .blue
    case "ppo": .yellow
    default: .cyan
    }
  }

  // MARK: Layout

  private func wrapped(_ text: String, indent: Int) -> [String] {
    Wrapping.lines(text, width: width, indent: indent)
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text.count >= width
      ? String(text.prefix(width)) : text + String(repeating: " ", count: width - text.count)
  }

  private static func aligned(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
