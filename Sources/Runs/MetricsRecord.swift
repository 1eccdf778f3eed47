/// One line of `metrics.jsonl`.
public struct MetricsRecord: Decodable, Equatable, Sendable {
  public var stage: String
  public var step: Int
  /// The line's numbers by name; nulls are left out.
  public var values: [String: Double]

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public init(stage: String, step: Int, values: [String: Double]) {
    self.stage = stage
    self.step = step
    self.values = values
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    stage = try container.decode(String.self, forKey: Key(stringValue: "stage"))
    step = try container.decode(Int.self, forKey: Key(stringValue: "step"))
    values = [:]
    for key in container.allKeys where key.stringValue != "stage" && key.stringValue != "step" {
      values[key.stringValue] = try container.decodeIfPresent(Double.self, forKey: key)
    }
  }
}
