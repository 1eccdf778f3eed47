import Runs
import Support

/// A plot of the gold score by use category: one line per category, one dot per model, at any width of the page.
enum CategoryPlot {
  static func figure(_ records: RunRecords, _ models: ShownModels) -> String? {
    let scores = (records.evaluation?.categories ?? []).filter { $0.gold.isFinite }
    let categories = Set(scores.map(\.category)).sorted()
    guard !categories.isEmpty else { return nil }
    let rows = categories.map { category in
      row(category, scores.filter { $0.category == category }, models)
    }
    return Markup.element(
      "figure", [("class", "wide")],
      head(keys(scores), models)
        + Markup.element("div", [("class", "categories")], rows.joined() + scale()))
  }

  private static func row(
    _ category: String, _ scores: [EvaluationDetails.CategoryScore], _ models: ShownModels
  ) -> String {
    let (low, high) = (scores.map(\.gold).min()!, scores.map(\.gold).max()!)
    let span = Markup.element(
      "span",
      [
        ("class", "reach"),
        ("style", "left: \(percent(low)); right: \(percent(1 - min(max(high, 0), 1)))"),
      ], "")
    let ordered = keys(scores).flatMap { key in scores.filter { $0.model == key } }
    let dots = ordered.map { score in
      Markup.element(
        "span",
        [
          ("class", "dot \(models.colour(score.model))"), ("style", "left: \(percent(score.gold))"),
          ("title", "\(text(score, models)), n \(Numbers.count(score.n))"),
        ], "")
    }
    let last = scores.first { $0.model == EvaluatedModel.result.key }
    let label = "\(category): " + ordered.map { text($0, models) }.joined(separator: ", ")
    return Markup.text("span", [("class", "name")], category)
      + Markup.element(
        "div", [("class", "track"), ("role", "img"), ("aria-label", label)],
        span + dots.joined())
      + Markup.text(
        "span", [("class", "figure \(EvaluatedModel.result.key)")], last.map { Numbers.text($0.gold, .decimal(2)) } ?? "")
  }

  private static func scale() -> String {
    let ticks = stride(from: 0.0, through: 1, by: 0.25).map { tick in
      Markup.text("span", [("style", "left: \(percent(tick))")], Formatting.fixed(tick, 2))
    }
    return "<span></span>"
      + Markup.element("div", [("class", "scale"), ("aria-hidden", "true")], ticks.joined())
      + "<span></span>"
  }

  private static func head(_ keys: [String], _ models: ShownModels) -> String {
    let entries = keys.map { key in
      Markup.element(
        "span", [("class", "entry")],
        Markup.element("span", [("class", "dot \(models.colour(key))")], "")
          + Markup.escape(models.name(key)))
    }
    let figures = keys.contains(EvaluatedModel.result.key) ? "; figures: \(models.name(EvaluatedModel.result.key))" : ""
    return Markup.element(
      "figcaption", [],
      Markup.text("h3", [], "Gold score by category")
        + Markup.element(
          "p", [("class", "unit")],
          Markup.escape("graded rubric, 0 to 1\(figures)")
            + Markup.element("span", [("class", "legend")], entries.joined())))
  }

  private static func keys(_ scores: [EvaluationDetails.CategoryScore]) -> [String] {
    EvaluatedModel.ordered(scores.map(\.model))
  }

  private static func text(
    _ score: EvaluationDetails.CategoryScore, _ models: ShownModels
  ) -> String {
    "\(models.name(score.model)) \(Numbers.text(score.gold, .decimal(3)))"
  }

  /// The position of a value in 0…1, as CSS per cent.
  private static func percent(_ share: Double) -> String {
    Formatting.fixed(100 * min(max(share, 0), 1), 1) + "%"
  }
}
