import Evaluation
import Inference
import Support
import Training

/// One hyper-parameter. It is defined once; command line, configuration file, manifest, documentation, report and the
/// field of `PPOOptions` that it sets are derived from this definition.
///
/// To add one, declare it in `Parameters.swift` and add its name to `all`.
public struct Parameter: Sendable {
  /// The name as an option of `all` and in a configuration file.
  public let name: String
  /// The name as an option of its own stage's command, where no other stage uses the same name.
  public let shortName: String
  /// Further names as an option of its own stage's command.
  public var aliases: [String] = []
  public let stage: Stage
  public let defaultValue: Double
  /// The default with `--quick`, if it differs.
  public let quickValue: Double?
  public let unit: String
  public let help: String
  public let bounds: ClosedRange<Double>
  public let isInteger: Bool
  /// The names of the values if the parameter is a choice, not a number: value i is `choices[i]`.
  public var choices: [String] = []
  /// Whether the option is a flag, without a value.
  public var isFlag = false
  /// Whether it describes the built-in world's data; then it is an option of `all`, but not of its stage's command.
  public var isOfWorld = false
  /// False for parameters that were added later. At its default, such a parameter is not recorded, so that older runs
  /// and checkpoints keep their identity.
  public var isRecordedAtDefault = true
  /// Sets this parameter's field in PPO's options; nil if there is none.
  var assign: Assignment<Double>?

  /// A further name in a configuration file of its own stage's command.
  public var configurationAlias: String?

  /// Names as an option of its own stage's command, the preferred one first.
  public var ownNames: [String] { [shortName] + aliases }
  /// Names in a configuration file of its own stage's command.
  var configurationNames: [String] { [name] + ownNames + (configurationAlias.map { [$0] } ?? []) }

  typealias Assignment<Value> = @Sendable (inout PPOOptions, Value) -> Void

  /// A choice of several names; the first is the default.
  /// - Parameter assign: sets the field in PPO's options from the chosen name.
  static func choice(
    _ stage: Stage, _ name: String, short: String? = nil, of choices: [String], isRecordedAtDefault: Bool = true,
    assign: Assignment<String>? = nil, help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: short ?? name, stage: stage, defaultValue: 0, quickValue: nil, unit: "",
      help: help, bounds: 0...Double(choices.count - 1), isInteger: true, choices: choices,
      isRecordedAtDefault: isRecordedAtDefault, assign: converted(assign) { choices[Int($0)] })
  }

  /// A whole number.
  static func count(
    _ stage: Stage, _ name: String, short: String? = nil, aliases: [String] = [], default value: Int,
    quick: Int? = nil, in bounds: ClosedRange<Int>, unit: String, isOfWorld: Bool = false,
    assign: Assignment<Int>? = nil, help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: short ?? name, aliases: aliases, stage: stage, defaultValue: Double(value),
      quickValue: quick.map(Double.init), unit: unit, help: help,
      bounds: Double(bounds.lowerBound)...Double(bounds.upperBound), isInteger: true, isOfWorld: isOfWorld,
      assign: converted(assign) { Int($0) })
  }

  /// A real number.
  static func real(
    _ stage: Stage, _ name: String, short: String? = nil, configurationAlias: String? = nil,
    default value: Double, quick: Double? = nil, in bounds: ClosedRange<Double>, unit: String,
    isRecordedAtDefault: Bool = true, assign: Assignment<Double>? = nil, help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: short ?? name, stage: stage, defaultValue: value, quickValue: quick, unit: unit,
      help: help, bounds: bounds, isInteger: false, isRecordedAtDefault: isRecordedAtDefault, assign: assign,
      configurationAlias: configurationAlias)
  }

  /// A flag, off by default.
  static func flag(
    _ stage: Stage, _ name: String, assign: Assignment<Bool>? = nil, help: String
  ) -> Parameter {
    Parameter(
      name: name, shortName: name, stage: stage, defaultValue: 0, quickValue: nil, unit: "", help: help,
      bounds: 0...1, isInteger: true, isFlag: true,
      assign: converted(assign) { $0 == 1 })
  }

  private static func converted<Value>(
    _ assign: Assignment<Value>?, _ convert: @escaping @Sendable (Double) -> Value
  ) -> Assignment<Double>? {
    guard let assign else { return nil }
    return { options, value in assign(&options, convert(value)) }
  }

  /// - Parameter option: the name with which it was given.
  /// - Throws: `Failure(.usage)` for a value that is out of bounds or not whole.
  public func validate(_ value: Double, as option: String? = nil) throws {
    let option = option ?? name
    guard value.isFinite, bounds.contains(value) else {
      throw Failure(
        .usage,
        "--\(option) \(text(value)) is not in \(text(bounds.lowerBound))…\(text(bounds.upperBound))",
        remedy: "Choose a value in that range.")
    }
    guard !isInteger || value == value.rounded() else {
      throw Failure(
        .usage, "--\(option) \(value) is not a whole number",
        remedy: "Choose \(text(value.rounded())), for example.")
    }
  }

  /// The numeric value of a choice's name.
  ///
  /// - Throws: `Failure(.usage)` if the name is not one of the choices.
  public func value(of choice: String) throws -> Double {
    guard let index = choices.firstIndex(of: choice) else {
      throw Failure(
        .usage, "--\(name) \(choice) is not one of \(choices.joined(separator: ", "))",
        remedy: Spelling.question(choice, in: choices) ?? "Choose one of them.")
    }
    return Double(index)
  }

  /// The value as the manifest and a checkpoint's provenance record it.
  public func json(_ value: Double) -> JSONValue {
    choices.isEmpty ? .number(value) : .string(text(value))
  }

  /// The value as a person writes it: a choice by name, a whole number without decimals.
  public func text(_ value: Double) -> String {
    if let index = Int(exactly: value), choices.indices.contains(index) { return choices[index] }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}

extension Parameter: Hashable {
  /// Hyper-parameters are equal if their names are equal, because names are unique.
  public static func == (left: Parameter, right: Parameter) -> Bool { left.name == right.name }

  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
