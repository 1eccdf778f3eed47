import ArgumentParser
import Stages
import Support

/// A group of hyper-parameters that a command offers as options.
protocol ParameterGroup {
  static var stages: [Stage] { get }
  /// Whether the command runs only these stages; then options have their short names.
  static var areOwn: Bool { get }
}

extension ParameterGroup {
  static var areOwn: Bool { true }

  static var parameters: [Parameter] {
    Parameter.all.filter { stages.contains($0.stage) && !(areOwn && $0.isOfWorld) }
  }

  /// The names of an option, the preferred one first.
  static func names(_ parameter: Parameter) -> [String] { areOwn ? parameter.ownNames : [parameter.name] }
}

enum PretrainGroup: ParameterGroup { static let stages = [Stage.pretrain] }
enum SFTGroup: ParameterGroup { static let stages = [Stage.sft] }
enum RewardGroup: ParameterGroup { static let stages = [Stage.reward] }
enum PPOGroup: ParameterGroup { static let stages = [Stage.ppo] }

/// The hyper-parameters of all stages but PPO, for `all` and `plan`.
enum RecipeGroup: ParameterGroup {
  static let stages = [Stage.sft, .rankings, .reward, .eval]
  static let areOwn = false
}
enum RecipePPOGroup: ParameterGroup {
  static let stages = [Stage.ppo]
  static let areOwn = false
}

/// The options of a group of hyper-parameters, made from the definitions in `Parameter`.
///
/// The parser finds a command's options by reflection over its properties. This type's mirror shows one property for
/// each hyper-parameter, as if each were declared.
struct ParameterOptions<Group: ParameterGroup>: ParsableArguments, CustomReflectable {
  private var numbers: [String: Option<Double?>] = [:]
  private var choices: [String: Option<String?>] = [:]
  private var flags: [String: Flag<Bool>] = [:]

  init() {
    for parameter in Group.parameters {
      let names = NameSpecification(Group.names(parameter).map { .customLong($0) })
      if parameter.isFlag {
        flags[parameter.name] = Flag(wrappedValue: false, name: names, help: Self.help(parameter))
      } else if parameter.choices.isEmpty {
        numbers[parameter.name] = Option(name: names, parsing: .unconditional, help: Self.help(parameter))
      } else {
        choices[parameter.name] = Option(name: names, help: Self.help(parameter))
      }
    }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for parameter in Group.parameters {
      let (name, key) = (parameter.name, Key(parameter.name))
      if parameter.isFlag {
        flags[name] = try container.decode(Flag<Bool>.self, forKey: key)
      } else if parameter.choices.isEmpty {
        numbers[name] = try container.decode(Option<Double?>.self, forKey: key)
      } else {
        choices[name] = try container.decode(Option<String?>.self, forKey: key)
      }
    }
  }

  var customMirror: Mirror {
    Mirror(
      self,
      children: Group.parameters.map { parameter -> Mirror.Child in
        let name = parameter.name
        return (name, (flags[name] as Any?) ?? (numbers[name] as Any?) ?? (choices[name] as Any?) ?? ())
      })
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  private static func help(_ parameter: Parameter) -> ArgumentHelp {
    let unit = parameter.unit.isEmpty ? "" : " [\(parameter.unit)]"
    let value = parameter.isFlag ? "" : " (default: \(parameter.text(parameter.defaultValue)))"
    return ArgumentHelp(
      "\(parameter.help)\(unit)\(value)",
      valueName: parameter.choices.isEmpty
        ? parameter.isInteger ? "n" : "x" : parameter.choices.joined(separator: "|"))
  }

  /// Copies the values that were given to `settings`.
  /// - Throws: `Failure(.usage)` that names all values that are out of bounds.
  func apply(to settings: inout Settings) throws {
    var refusals = Refusals()
    for parameter in Group.parameters {
      let name = Group.names(parameter)[0]
      try refusals.gather {
        if let choice = choices[parameter.name]?.wrappedValue {
          try settings.set(parameter, choice: choice)
        } else if flags[parameter.name]?.wrappedValue == true {
          try settings.set(parameter, 1, as: name)
        } else {
          try settings.set(parameter, numbers[parameter.name]?.wrappedValue, as: name)
        }
      }
    }
    try refusals.throwIfAny()
  }
}
