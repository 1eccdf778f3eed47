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
      lines += table(summary) + remarks(summary)
    } else {
      lines.append("This run has no results yet.")
    }
    for sample in prompts() { lines += [""] + answers(sample) }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Table

  /// Width of a column of figures [characters].
  private var column: Int { width < 64 ? 8 : 10 }
  /// Width of the column of n [characters].
  private static let countColumn = 7
  /// Width of the column of titles [characters].
  private var title: Int {
    max(12, min(28, width - (column + 1) * models.keys.count - Self.countColumn))
  }

  private func row(_ name: String, _ cells: [String], _ count: String?) -> String {
    let line = Self.padded(name, title) + cells.map { " " + Self.aligned($0, column) }.joined()
    return count.map { line + " " + Self.aligned($0, Self.countColumn - 1) } ?? line
  }

  private func table(_ summary: Summary) -> [String] {
    let measures = Measure.all.filter { Measure.isShown($0, summary) }
    let counts = measures.map { $0.count(summary) }
    let isCounted = Measure.areCounted(summary)
    let heads = models.keys.map { key in
      " " + String(repeating: " ", count: max(0, column - models.name(key).count))
        + terminal.paint(models.name(key), style(key))
    }
    var lines = [
      Self.padded("", title) + heads.joined()
        + (isCounted ? " " + Self.aligned("n", Self.countColumn - 1) : "")
    ]
    for (measure, count) in zip(measures, counts) {
      lines.append(
        row(
          measure.title,
          models.keys.map { key in
            Numbers.text(summary.models[key].flatMap(measure.value), measure.style)
          }, count))
    }
    lines += winRates(summary)
    if isCounted { lines += wrapped("(\(Measure.counted))", indent: 0) }
    return lines.map { $0.replacing("\u{A0}", with: " ") }
  }

  private func winRates(_ summary: Summary) -> [String] {
    guard let rates = WinRates(summary) else { return [] }
    let shown = models.keys.map { rates[$0] }
    let count = shown.compactMap { $0?.n }.max().map(Numbers.count)
    var lines = WinRates.shares.map { title, share in
      row(title, shown.map { Numbers.text($0.map(share), .percent) }, count)
    }
    lines.append(row(WinRates.title, shown.map { Numbers.text($0?.mean, .percent) }, count))
    for (key, rate) in zip(models.keys, shown) {
      guard let rate, key != EvaluatedModel.baseline.key else { continue }
      lines += wrapped("\(models.name(key)), 95 % interval: \(rate.details.joined(separator: ", "))", indent: 2)
    }
    return lines + (rates.isByRewardModel ? wrapped("\(rates.note)", indent: 2) : [])
  }

  /// The text below the table: the verdict, the reward model, held-out rows, and warnings.
  private func remarks(_ summary: Summary) -> [String] {
    var paragraphs: [String] = []
    if let verdict = WinRates(summary)?.verdict(models) { paragraphs.append(verdict) }
    if let text = rewardModel(summary) { paragraphs.append(text) }
    if let heldOut = summary.heldOut { paragraphs.append(heldOut.map(\.sentence).joined(separator: " ")) }
    let warnings = Warnings(records, models).all.map { "Warning: \($0)" }
    return paragraphs.flatMap { [""] + paragraph($0) }
      + warnings.flatMap { warning in
        [""] + paragraph(warning).enumerated().map { $0 == 0 ? painted($1) : $1 }
      }
  }

  private func paragraph(_ text: String) -> [String] {
    wrapped(text.replacing("\u{A0}", with: " "), indent: 0)
  }

  /// A warning's first line, with the word "Warning:" in colour.
  private func painted(_ line: String) -> String {
    let word = "Warning:"
    return line.hasPrefix(word) ? terminal.paint(word, .yellow) + line.dropFirst(word.count) : line
  }

  private func rewardModel(_ summary: Summary) -> String? {
    guard let model = summary.rewardModel, let accuracy = model.accuracy else { return nil }
    func percent(_ share: Double) -> String { Numbers.text(share, .percent) }
    func of(_ count: Int?) -> String { count.map { " of \(Numbers.count($0))" } ?? "" }
    var text = "Reward model: right on \(percent(accuracy)) of "
    text += model.pairs.map { Numbers.count($0, "held-out pair") } ?? "held-out pairs"
    if let prompts = model.prompts { text += " of \(Numbers.count(prompts, "prompt"))" }
    if let low = model.accuracyLow, let high = model.accuracyHigh {
      text += " (95 % interval \(percent(low)) to \(percent(high)))"
    }
    if let held = model.accuracyHeldOutLabelers {
      text += "; with labelers not seen in training, \(percent(held))\(of(model.pairsHeldOutLabelers))"
    }
    if let rubric = model.goldRubricAccuracy { text += "; the rubric itself \(percent(rubric))" }
    if let agreement = model.labelerAgreement {
      text += "; labelers agree on \(percent(agreement))\(of(model.labelerAgreementPairs))"
    }
    return text + "."
  }

  // MARK: Answers

  /// Three prompts that test different things (facts, harm, neither) or, if nothing was graded, three of different
  /// categories.
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
    let styles: [EvaluatedModel: Terminal.Style] = [.base: .dim, .sft: .blue, .ppo: .yellow]
    return EvaluatedModel.all.first { $0.key == model }.flatMap { styles[$0] } ?? .cyan
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
