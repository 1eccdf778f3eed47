/// `study.json`: the findings of a study. It contains nothing that depends on the clock or the machine, so the same
/// study gives the same bytes on any machine.
public struct StudyRecord: Codable, Equatable, Sendable {
  public var version = 1
  /// The study's name on the command line.
  public var study: String
  public var question: String
  public var seeds: [UInt64]
  /// The finding with its uncertainty, compared with the published result.
  public var finding: String
  public var figures: [Figure]
  public var charts: [Chart]

  public init(
    study: String, question: String, seeds: [UInt64], finding: String, figures: [Figure],
    charts: [Chart]
  ) {
    self.study = study
    self.question = question
    self.seeds = seeds
    self.finding = finding
    self.figures = figures
    self.charts = charts
  }

  /// A number that supports the finding, with its 95 % interval if there is one.
  public struct Figure: Codable, Equatable, Sendable {
    public var name: String
    public var value: Double?
    public var low: Double?
    public var high: Double?
    /// The published number and its source.
    public var published: String?

    public init(
      _ name: String, _ value: Double?, low: Double? = nil, high: Double? = nil,
      published: String? = nil
    ) {
      self.name = name
      self.value = value
      self.low = low
      self.high = high
      self.published = published
    }
  }

  /// A chart: either lines over x, or one dot with its interval for each label.
  public struct Chart: Codable, Equatable, Sendable {
    public var title: String
    public var unit: String
    public var xTitle: String?
    public var series: [Series]
    public var dots: [Dot]

    enum CodingKeys: String, CodingKey {
      case title, unit, series, dots
      case xTitle = "x_title"
    }

    /// A chart of lines.
    public init(title: String, unit: String, xTitle: String, series: [Series]) {
      self.title = title
      self.unit = unit
      self.xTitle = xTitle
      self.series = series
      dots = []
    }

    /// A chart of dots.
    public init(title: String, unit: String, dots: [Dot]) {
      self.title = title
      self.unit = unit
      series = []
      self.dots = dots
    }
  }

  public struct Series: Codable, Equatable, Sendable {
    public var name: String
    public var points: [Point]
    /// Whether the points are a fitted curve instead of measurements.
    public var isFit: Bool

    enum CodingKeys: String, CodingKey {
      case name, points
      case isFit = "fit"
    }

    public init(_ name: String, _ points: [Point], isFit: Bool = false) {
      self.name = name
      self.points = points
      self.isFit = isFit
    }
  }

  public struct Point: Codable, Equatable, Sendable {
    public var x: Double
    public var y: Double
    public var low: Double?
    public var high: Double?

    public init(x: Double, y: Double, low: Double? = nil, high: Double? = nil) {
      self.x = x
      self.y = y
      self.low = low
      self.high = high
    }
  }

  public struct Dot: Codable, Equatable, Sendable {
    public var label: String
    public var value: Double
    public var low: Double?
    public var high: Double?

    public init(_ label: String, _ value: Double, low: Double? = nil, high: Double? = nil) {
      self.label = label
      self.value = value
      self.low = low
      self.high = high
    }
  }
}
