/// A figure that a stage logs at its steps: its name, its unit, which way is better, and how the report draws it.
///
/// A metric is declared once, beside the code that computes it. A run folder stores the declarations of what it logs
/// (`metrics.json`), so the report needs no list of its own.
///
///     static let entropy = Metric(
///       "objective/entropy", unit: "nats", chart: .init("Entropy", place: 40, line: "entropy", colour: "ppo"))
public struct Metric: Sendable {
  public enum Direction: String, Codable, Sendable { case higher, lower }

  /// The key in `metrics.jsonl`. It identifies the metric.
  public let name: String
  /// Empty for a plain number.
  public let unit: String
  /// Which values are better; nil if neither.
  public let better: Direction?
  /// nil for a metric that the report does not draw.
  public let chart: Chart?

  public init(_ name: String, unit: String = "", better: Direction? = nil, chart: Chart? = nil) {
    self.name = name
    self.unit = unit
    self.better = better
    self.chart = chart
  }

  /// Whether a value is better than another; false if the metric has no direction.
  public func isBetter(_ value: Double, than other: Double) -> Bool {
    switch better {
    case .higher: value > other
    case .lower: value < other
    case nil: false
    }
  }
}

extension Metric {
  /// A line in a chart. Metrics of one stage whose charts have the same title share that chart.
  public struct Chart: Codable, Equatable, Sendable {
    public let title: String
    /// What the axis shows; the metric's unit if nil.
    public let axis: String?
    /// Charts, and the lines in a chart, are in ascending order of this number.
    public let place: Int
    /// The line's name in the legend.
    public let line: String
    /// A class of the report's style sheet: "first", "second", "ppo", "proxy" or "gold".
    public let colour: String
    public var isPercent = false
    public var isDashed = false
    /// Whether each point has a dot, for metrics that are not measured at every step.
    public var isMarked = false
    /// Values that the axis must include.
    public var includes: [Double] = []
    /// A horizontal line at a known value, and its name.
    public var reference: Reference?

    public struct Reference: Codable, Equatable, Sendable {
      public let value: Double
      public let name: String

      public init(value: Double, name: String) {
        self.value = value
        self.name = name
      }
    }

    public init(
      _ title: String, axis: String? = nil, place: Int, line: String, colour: String = "first", isPercent: Bool = false,
      isDashed: Bool = false, isMarked: Bool = false, includes: [Double] = [], reference: Reference? = nil
    ) {
      self.title = title
      self.axis = axis
      self.place = place
      self.line = line
      self.colour = colour
      self.isPercent = isPercent
      self.isDashed = isDashed
      self.isMarked = isMarked
      self.includes = includes
      self.reference = reference
    }
  }
}

extension Metric.Chart {
  /// Takes the defaults for what an older or newer version did not write.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ fallback: T) throws -> T {
      try container.decodeIfPresent(T.self, forKey: key) ?? fallback
    }
    self.init(
      try container.decode(String.self, forKey: .title), axis: try container.decodeIfPresent(String.self, forKey: .axis),
      place: try value(.place, 0), line: try value(.line, ""), colour: try value(.colour, "first"),
      isPercent: try value(.isPercent, false), isDashed: try value(.isDashed, false),
      isMarked: try value(.isMarked, false), includes: try value(.includes, []),
      reference: try container.decodeIfPresent(Reference.self, forKey: .reference))
  }
}

extension Metric: Hashable {
  /// Whether another declaration of the metric says the same.
  public func isDeclared(like other: Metric) -> Bool {
    name == other.name && unit == other.unit && better == other.better && chart == other.chart
  }

  /// A name belongs to one metric.
  public static func == (left: Metric, right: Metric) -> Bool { left.name == right.name }

  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension Metric: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decode(String.self, forKey: .name), unit: try container.decode(String.self, forKey: .unit),
      better: try container.decodeIfPresent(String.self, forKey: .better).flatMap(Direction.init(rawValue:)),
      chart: try container.decodeIfPresent(Chart.self, forKey: .chart))
  }
}
