import Runs
import Support

/// Gold score by use category: one line a category, one dot a model.
enum CategoryPlot {
  static func figure(_ records: RunRecords, _ models: ShownModels) -> String? {
    let scores = records.evaluation?.categories ?? []
    let categories = Set(scores.map(\.category)).sorted()
    guard !categories.isEmpty else { return nil }
    let (left, right, row, top) = (150.0, 60.0, 30.0, 12.0)
    let (width, height) = (840.0, top + row * Double(categories.count) + 34)
    func x(_ gold: Double) -> Double { left + min(max(gold, 0), 1) * (width - left - right) }
    func fixed(_ value: Double) -> String { Formatting.fixed(value, 1) }
    var marks = ""
    for tick in stride(from: 0.0, through: 1, by: 0.25) {
      marks += Markup.empty(
        "line",
        [
          ("class", "grid"), ("x1", fixed(x(tick))), ("x2", fixed(x(tick))), ("y1", fixed(top)),
          ("y2", fixed(height - 28)),
        ])
      marks += label(x(tick), height - 10, "middle", "tick", Formatting.fixed(tick, 2))
    }
    for (index, category) in categories.enumerated() {
      let y = top + row * (Double(index) + 0.5)
      marks += label(left - 14, y + 4, "end", "row", category)
      let own = scores.filter { $0.category == category && $0.gold.isFinite }
      let ends = own.map { x($0.gold) }
      if let first = ends.min(), let last = ends.max() {
        marks += Markup.empty(
          "line",
          [
            ("class", "span"), ("x1", fixed(first)), ("x2", fixed(last)), ("y1", fixed(y)),
            ("y2", fixed(y)),
          ])
      }
      for score in own {
        marks += dot(
          x(score.gold), y, models.colour(score.model),
          "\(models.name(score.model)), \(category): \(Numbers.text(score.gold, .decimal(3)))"
            + ", n \(Numbers.count(score.n))")
      }
      if let last = own.first(where: { $0.model == "ppo" }) {
        marks += label(
          width - right + 14, y + 4, "start", "value ppo",
          Numbers.text(last.gold, .decimal(2)))
      }
    }
    return figure(marks, width: width, height: height, models: shown(scores, models), models)
  }

  private static func shown(
    _ scores: [EvaluationDetails.CategoryScore], _ models: ShownModels
  ) -> [String] {
    let present = Set(scores.map(\.model))
    let known = ["base", "sft", "ppo"]
    return known.filter(present.contains) + present.subtracting(known).sorted()
  }

  private static func figure(
    _ marks: String, width: Double, height: Double, models keys: [String], _ models: ShownModels
  ) -> String {
    let entries = keys.map { key in
      Markup.element(
        "span", [("class", "entry")],
        Markup.element("span", [("class", "dot \(models.colour(key))")], "")
          + Markup.escape(models.name(key)))
    }.joined()
    let head =
      Markup.text("h3", [], "Gold score by category")
      + Markup.element(
        "p", [("class", "unit")],
        "graded rubric, 0 to 1; figures: \(Markup.escape(models.name("ppo")))"
          + Markup.element("span", [("class", "legend")], entries))
    return Markup.element(
      "figure", [("class", "wide")],
      Markup.element("figcaption", [], head)
        + Markup.element(
          "div", [("class", "scroll")],
          Markup.element(
            "svg",
            [
              ("viewBox", "0 0 \(Formatting.fixed(width, 0)) \(Formatting.fixed(height, 0))"),
              ("role", "img"),
              ("aria-label", "Gold score of each model in each category of prompts."),
            ], marks)))
  }

  private static func dot(_ x: Double, _ y: Double, _ colour: String, _ title: String) -> String {
    Markup.element(
      "circle",
      [
        ("class", "mark \(colour)"), ("cx", Formatting.fixed(x, 1)),
        ("cy", Formatting.fixed(y, 1)), ("r", "5.5"),
      ], Markup.text("title", [], title))
  }

  private static func label(
    _ x: Double, _ y: Double, _ anchor: String, _ kind: String, _ text: String
  ) -> String {
    Markup.text(
      "text",
      [
        ("class", kind), ("x", Formatting.fixed(x, 1)), ("y", Formatting.fixed(y, 1)),
        ("text-anchor", anchor),
      ], text)
  }
}
