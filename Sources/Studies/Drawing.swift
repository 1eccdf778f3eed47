import Runs

extension StudyRecord.Figure {
  init(_ name: String, _ estimate: Estimate?, published: String? = nil) {
    self.init(
      name, estimate?.mean, low: estimate?.low, high: estimate?.high, published: published)
  }
}

extension StudyRecord.Dot {
  init(_ label: String, _ estimate: Estimate) {
    self.init(label, estimate.mean, low: estimate.low, high: estimate.high)
  }
}

extension StudyRecord.Chart {
  /// A chart with one dot and its interval for each label of a column.
  static func dots(
    _ title: String, unit: String, _ rows: StudyRows, by label: String, column: String
  ) -> StudyRecord.Chart {
    .init(
      title: title, unit: unit,
      dots: rows.distinctLabels(label).compactMap { name in
        rows.with([label: name]).estimate(column).map {
          .init(name, $0)
        }
      })
  }
}

extension StudyRecord.Series {
  /// A line of the means over seeds at each value of a column.
  init(_ name: String, _ rows: StudyRows, x: String, y: String, scale: (Double) -> Double = { $0 }) {
    self.init(
      name,
      rows.distinct(x).sorted().compactMap { value in
        rows.with(x, value).estimate(y).map {
          .init(x: scale(value), y: $0.mean, low: $0.low, high: $0.high)
        }
      })
  }
}
