import Support

/// The names that a template reads and calls, found without rendering it.
struct Survey {
  private(set) var variables: Set<String> = []
  private(set) var attributes: Set<String> = []
  private let program: Program
  /// Names called as functions, and names called as methods.
  private var functions: [(name: String, position: Position)] = []
  private var methods: [(name: String, position: Position)] = []
  private var assigned: Set<String> = []
  /// Attributes that the template itself sets, which may be macros.
  private var made: Set<String> = []
  private var tested: Set<String> = []

  init(_ program: Program) {
    self.program = program
    for scope in program.scopes {
      for (name, load) in zip(scope.names, scope.loads) {
        if case .resolve = load { variables.insert(program.names.words[name]) }
      }
    }
    variables.subtract(Globals.names)
    var expressions: [Expression] = []
    var targets: [Target] = []
    Statement.visit(program.root.body) { statement in
      expressions += statement.expressions
      targets += statement.targets
    }
    for target in targets { add(target) }
    assigned.formUnion(["loop", "caller", "varargs", "kwargs"])
    var parts: [Expression] = []
    for expression in expressions { expression.visit { parts.append($0) } }
    for part in parts { add(part) }
  }

  private mutating func add(_ target: Target) {
    switch target {
    case .name(let name): assigned.insert(program.names.words[name])
    case .attribute(_, let attribute, _): made.insert(attribute)
    case .tuple(let items, _): for item in items { add(item) }
    }
  }

  private mutating func add(_ expression: Expression) {
    switch expression {
    case .comparison(.constant(.text(let text)), let rest):
      if case .contained = rest[0].kind { attributes.insert(text.string) }
      if case .notContained = rest[0].kind { attributes.insert(text.string) }
    case .postfix(let base, let steps):
      for (index, step) in steps.enumerated() {
        add(step, after: index > 0 ? steps[index - 1] : nil, base: index == 0 ? base : nil)
      }
    default: break
    }
  }

  private mutating func add(_ step: Postfix, after previous: Postfix?, base: Expression?) {
    switch step.kind {
    case .attribute(let name): attributes.insert(name)
    case .item(.constant(.text(let text))): attributes.insert(text.string)
    case .call(let arguments):
      if case .attribute(let name) = previous?.kind {
        methods.append((name, previous!.position))
        if name == "get" { addPaths(arguments.positional.first) }
      }
      if case .name(let name, let position) = base {
        functions.append((program.names.words[name], position))
        made.formUnion(arguments.keywords.map(\.name))
      }
    case .filter(let name, let arguments):
      if ["selectattr", "rejectattr", "attr", "groupby"].contains(name) {
        addPaths(arguments.positional.first)
      }
      for argument in arguments.keywords where argument.name == "attribute" { addPaths(argument.value) }
    case .test(let name, _, _):
      if name == "defined" || name == "undefined", case .name(let variable, _) = base {
        tested.insert(program.names.words[variable])
      }
    default: break
    }
  }

  private mutating func addPaths(_ expression: Expression?) {
    guard case .constant(.text(let text)) = expression else { return }
    for part in text.string.split(whereSeparator: { $0 == "." || $0 == "," }) {
      attributes.insert(String(part))
    }
  }

  // MARK: Requirements

  /// Every filter and test must exist. As in jinja2, one inside a condition may be missing as long as it is never
  /// reached. A filter that jinja2 has but this renderer does not support is always refused.
  private func requireFilters(_ body: [Statement], isConditional: Bool) throws {
    for statement in body {
      var inner = false
      if case .conditional = statement { inner = true }
      for expression in statement.expressions {
        try requireFilters(expression, isConditional: isConditional || inner)
      }
      for body in statement.bodies { try requireFilters(body, isConditional: inner) }
    }
  }

  private func requireFilters(_ expression: Expression, isConditional: Bool) throws {
    var inner = isConditional
    if case .conditional = expression { inner = true }
    if case .postfix(_, let steps) = expression {
      for step in steps { try requireFilter(step, isConditional: isConditional) }
    }
    for operand in expression.operands { try requireFilters(operand, isConditional: inner) }
  }

  private func requireFilter(_ step: Postfix, isConditional: Bool) throws {
    switch step.kind {
    case .filter(let name, _):
      if Filters.refused.contains(name) {
        throw Failure.template("the filter '\(name)' is not supported", in: program.name, at: step.position)
      }
      if Filters.table[name] == nil, !isConditional {
        throw Failure.template("there is no filter '\(name)'", in: program.name, at: step.position)
      }
    case .test(let name, _, _):
      if Tests.table[name] == nil, !isConditional {
        throw Failure.template("there is no test '\(name)'", in: program.name, at: step.position)
      }
    default: break
    }
  }

  /// Called functions and methods must exist, unless the template checks for the function first.
  func requireKnown() throws {
    try requireFilters(program.root.body, isConditional: false)
    for (name, position) in functions
    where !Globals.names.contains(name) && !assigned.contains(name) && !tested.contains(name) {
      let what = Globals.refused.contains(name) ? "is not supported" : "does not exist"
      throw Failure.template("the function '\(name)' \(what)", in: program.name, at: position)
    }
    for (name, position) in methods where !Methods.names.contains(name) && !made.contains(name) {
      throw Failure.template("the method '\(name)' is not known", in: program.name, at: position)
    }
  }
}
