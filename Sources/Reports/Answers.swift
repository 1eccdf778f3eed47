import Runs

/// The report's section with prompts and each model's answers.
enum Answers {
  /// Number of prompts that are visible at once; the others are in a collapsed block.
  static let shown = 12
  /// Maximum number of prompts on the page, so that a browser opens it quickly.
  static let limit = 120

  static func html(_ records: RunRecords, _ models: ShownModels) -> String {
    let samples = records.samples
    guard !samples.isEmpty else {
      return Markup.text("p", [("class", "missing")], "This run has no sampled answers.")
    }
    var text = samples.prefix(shown).map { article($0, models) }.joined()
    let rest = samples.dropFirst(shown).prefix(limit - shown)
    if !rest.isEmpty {
      let title =
        samples.count > limit
        ? "\(rest.count) more; all \(Numbers.count(samples.count)) are in \(RunFile.samples)"
        : "\(rest.count) more"
      text += Markup.element(
        "details", [],
        Markup.text("summary", [], title) + rest.map { article($0, models) }.joined())
    }
    return text
  }

  private static func article(_ sample: SampleRecord, _ models: ShownModels) -> String {
    let turns = sample.prompt.map { turn in
      let speaker =
        sample.prompt.count > 1 || turn.role != "user"
        ? Markup.text("span", [("class", "speaker")], turn.role) : ""
      return Markup.element(
        "p", [("class", "turn")], speaker + Markup.escape(turn.content))
    }
    let category = sample.category.map { Markup.text("p", [("class", "category")], $0) } ?? ""
    let prompt = Markup.element("div", [("class", "prompt")], category + turns.joined())
    let answers = sample.answers.map { answer in
      Markup.element(
        "div", [("class", "answer")],
        Markup.element(
          "p", [("class", "who")],
          Markup.element("span", [("class", "dot \(models.colour(answer.model))")], "")
            + Markup.escape(models.name(answer.model)))
          + Markup.element(
            "div", [],
            Markup.text("p", [("class", "said")], answer.text.isEmpty ? "(nothing)" : answer.text)
              + Markup.text("p", [("class", "grades")], grades(answer))))
    }
    return Markup.element(
      "article", [],
      prompt + Markup.element("div", [("class", "answers")], answers.joined()))
  }

  /// "gold 0.82 · helpful 1.00 · proxy 1.24"; grades that the answer does not have are left out.
  static func grades(_ answer: SampleRecord.Answer) -> String {
    let all: [(String, Double?, Numbers.Style)] = [
      ("gold", answer.gold, .decimal(2)), ("helpful", answer.helpful, .decimal(2)),
      ("honest", answer.honest, .decimal(2)), ("harmless", answer.harmless, .decimal(2)),
      ("proxy", answer.proxy, .decimal(2)),
    ]
    var words = all.compactMap { name, value, style in
      value.map { "\(name)\u{A0}\(Numbers.text($0, style))" }
    }
    if answer.ended == false { words.append("cut off") }
    return words.joined(separator: " · ")
  }
}
