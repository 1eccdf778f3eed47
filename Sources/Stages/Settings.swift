import Support

/// The hyper-parameters of a run. Later sources override earlier ones: defaults, `--quick`, the configuration file, the
/// command line.
public struct Settings: Equatable, Sendable {
  private var values: [String: Double] = [:]
  /// The option or key by which each value was given, by the parameter's name.
  private var options: [String: String] = [:]
  public let isQuick: Bool

  public init(quick: Bool = false) {
    isQuick = quick
  }

  public subscript(_ parameter: Parameter) -> Double {
    values[parameter.name]
      ?? (isQuick ? parameter.quickValue ?? parameter.defaultValue : parameter.defaultValue)
  }

  public func count(_ parameter: Parameter) -> Int { Int(self[parameter]) }

  /// The option or key by which a value was given, `--kl-coef` or `"kl-coef" in FILE`; nil if it was not given.
  public func option(_ parameter: Parameter) -> String? { options[parameter.name] }

  /// - Parameter option: the name by which the value was given; nil for the parameter's long name.
  /// - Throws: `Failure(.usage)` for a value out of bounds.
  public mutating func set(_ parameter: Parameter, _ value: Double?, as option: String? = nil)
    throws
  {
    guard let value else { return }
    try parameter.validate(value, as: option)
    values[parameter.name] = value
    options[parameter.name] = "--\(option ?? parameter.name)"
  }

  /// Sets several values.
  /// - Parameter short: whether they were given by the parameters' short names.
  /// - Throws: `Failure(.usage)` that names all values out of bounds.
  public mutating func set(_ values: [(Parameter, Double?)], short: Bool = false) throws {
    var refusals = Refusals()
    for (parameter, value) in values {
      try refusals.gather { try set(parameter, value, as: short ? parameter.shortName : nil) }
    }
    try refusals.throwIfAny()
  }

  /// - Throws: `Failure(.usage)` if `choice` is not one of the parameter's choices.
  public mutating func set(_ parameter: Parameter, choice: String?) throws {
    guard let choice else { return }
    values[parameter.name] = try parameter.value(of: choice)
    options[parameter.name] = "--\(parameter.name)"
  }

  /// The name of a choice's value.
  public func choice(_ parameter: Parameter) -> String { parameter.text(self[parameter]) }

  /// Sets the values of a JSON object. Its keys are long option names; parameters of `stage` may have short names.
  ///
  /// - Throws: `Failure(.badData)` for a key that is not a hyper-parameter or a value that is not a number, `.usage`
  ///   for a value out of bounds; one error names all problems.
  public mutating func merge(_ object: [String: JSONValue], stage: Stage? = nil, at place: String)
    throws
  {
    var refusals = Refusals()
    for key in object.keys.sorted() {
      guard let parameter = Self.find(key, stage) else {
        refusals.add(Self.unknown(key, stage, at: place))
        continue
      }
      try refusals.gather {
        try Failure.locating(place) { try set(parameter, object[key], key: key) }
        options[parameter.name] = "\"\(key)\" in \(place)"
      }
    }
    try refusals.throwIfAny()
  }

  private mutating func set(_ parameter: Parameter, _ value: JSONValue?, key: String) throws {
    switch value {
    case .string(let value)? where !parameter.choices.isEmpty: try set(parameter, choice: value)
    case _ where !parameter.choices.isEmpty:
      let names = parameter.choices.joined(separator: ", ")
      throw Failure(.badData, "\"\(key)\" is not one of \(names)", remedy: "Choose one of them.")
    case let value? where value.number != nil: try set(parameter, value.number, as: key)
    case .bool(let value)?: try set(parameter, value ? 1 : 0, as: key)
    default: throw Failure(.badData, "\"\(key)\" is not a number", remedy: "Give a number.")
    }
  }

  private static func unknown(_ key: String, _ stage: Stage?, at place: String) -> Failure {
    let names = Parameter.all.flatMap { $0.stage == stage ? $0.configurationNames : [$0.name] }
    let written = String(key.map { $0 == "_" ? "-" : $0 })
    // A short name belongs to another stage, or needs the stage's name as a prefix; suggest the long names.
    let long = Parameter.all.filter { $0.shortName == written }.map(\.name)
    let near = long.isEmpty ? Spelling.nearest(written, in: names) : long
    return Failure(
      .badData, "\"\(key)\" is not a hyper-parameter", at: place,
      remedy: near.isEmpty
        ? "`tinyrlhf help all` lists their names."
        : Spelling.question(near.map { "\"\($0)\"" }))
  }

  private static func find(_ key: String, _ stage: Stage?) -> Parameter? {
    Parameter.all.first { $0.name == key }
      ?? Parameter.all.first { $0.configurationNames.contains(key) && $0.stage == stage }
  }

  /// The values of the parameters of `stages`, by name, as the manifest and a checkpoint's provenance record them.
  /// Parameters that were added later are left out if they have their default.
  public func resolved(_ stages: [Stage] = Stage.all) -> [String: JSONValue] {
    var resolved: [String: JSONValue] = [:]
    for parameter in Parameter.all where stages.contains(parameter.stage) {
      guard parameter.isRecordedAtDefault || self[parameter] != parameter.defaultValue else { continue }
      resolved[parameter.name] = parameter.json(self[parameter])
    }
    return resolved
  }
}
