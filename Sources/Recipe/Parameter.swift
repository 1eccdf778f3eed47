import Support

/// One hyper-parameter, defined once: command line, configuration file, manifest, documentation
/// and report derive from this.
public struct Parameter: Sendable, Hashable {
  /// The name on the command line of `all` and in a configuration file.
  public let name: String
  /// The name on its own stage's command line, where no other stage competes for it.
  public let shortName: String
  public let stage: Stage
  public let defaultValue: Double
  /// The value under `--quick`, where it differs.
  public let quickValue: Double?
  public let unit: String
  public let help: String
  public let bounds: ClosedRange<Double>
  public let isInteger: Bool
  /// The names of its values, for one that is a choice and no number: value i is `choices[i]`.
  public var choices: [String] = []
  /// False for what came later: where it has its default, a record does not name it, so that runs and
  /// checkpoints from before it came are still themselves.
  public var isRecordedAtDefault = true

  /// One of several names; the first is the default.
  static func choice(
    _ stage: Stage, _ name: String, _ choices: [String], isRecordedAtDefault: Bool = true,
    _ help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: name, stage: stage, defaultValue: 0, quickValue: nil, unit: "",
      help: help, bounds: 0...Double(choices.count - 1), isInteger: true, choices: choices,
      isRecordedAtDefault: isRecordedAtDefault)
  }

  /// A whole number.
  static func count(
    _ stage: Stage, _ name: String, short: String? = nil, _ value: Int, quick: Int? = nil,
    _ bounds: ClosedRange<Int>, _ unit: String, _ help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: short ?? name, stage: stage, defaultValue: Double(value),
      quickValue: quick.map(Double.init), unit: unit, help: help,
      bounds: Double(bounds.lowerBound)...Double(bounds.upperBound), isInteger: true)
  }

  /// A real number.
  static func real(
    _ stage: Stage, _ name: String, short: String? = nil, _ value: Double, quick: Double? = nil,
    _ bounds: ClosedRange<Double>, _ unit: String, _ help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: short ?? name, stage: stage, defaultValue: value, quickValue: quick,
      unit: unit, help: help, bounds: bounds, isInteger: false)
  }

  /// - Parameter option: the name it was given by.
  /// - Throws: `Failure(.usage)` for a value that is out of bounds or not whole.
  public func validate(_ value: Double, as option: String? = nil) throws {
    let option = option ?? name
    guard value.isFinite, bounds.contains(value) else {
      throw Failure(
        .usage,
        "--\(option) \(text(value)) is not in \(text(bounds.lowerBound))…\(text(bounds.upperBound))",
        remedy: "Choose a value between them.")
    }
    guard !isInteger || value == value.rounded() else {
      throw Failure(
        .usage, "--\(option) \(value) is not a whole number",
        remedy: "Choose \(text(value.rounded())), for example.")
    }
  }

  /// The value of a choice.
  ///
  /// - Throws: `Failure(.usage)` for what is none of the choices.
  public func value(of choice: String) throws -> Double {
    guard let index = choices.firstIndex(of: choice) else {
      throw Failure(
        .usage, "--\(name) \(choice) is none of \(choices.joined(separator: ", "))",
        remedy: Spelling.question(choice, in: choices) ?? "Choose one of them.")
    }
    return Double(index)
  }

  /// As the manifest and a checkpoint's provenance record it.
  public func json(_ value: Double) -> JSONValue {
    choices.isEmpty ? .number(value) : .string(text(value))
  }

  /// A value as a person writes it.
  public func text(_ value: Double) -> String {
    if let index = Int(exactly: value), choices.indices.contains(index) { return choices[index] }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}
