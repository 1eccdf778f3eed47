import Support

/// Renders one template, once.
final class Renderer {
  let program: Program
  let limits: Limits
  let date: CalendarDate?
  private let variables: Mapping
  private var resolved: [Name: Value?] = [:]
  var frame: Frame
  /// The current output: the rendered text, or the text that a block captures.
  var output: [UInt32] = []
  /// The position of the current expression, for errors.
  var position = Position(line: 1, column: 1)
  private(set) var steps = 0
  private var levels = 0
  /// Loops, macros and namespaces. Values refer to them by number, so that there are no reference cycles between
  /// values.
  private(set) var objects: [Object] = []

  init(_ program: Program, variables: Mapping, limits: Limits, date: CalendarDate?) {
    (self.program, self.variables, self.limits, self.date) = (program, variables, limits, date)
    frame = Frame(program.scopes[program.root.scope], outer: nil)
  }

  func render() throws -> Text {
    try enter(frame)
    _ = try execute(program.root.body)
    return Text(units: output)
  }

  /// Releases the objects, which may refer to each other in cycles.
  func finish() { objects = [] }

  // MARK: Limits

  func step() throws {
    steps += 1
    if steps > limits.steps {
      throw failure("the template takes more than \(limits.steps) steps", code: .templateLimit)
    }
  }

  /// Charges steps for work on `count` list elements.
  func charge(_ count: Int) throws {
    steps += min(max(count, 0), limits.steps)
    try step()
  }

  /// Checks and charges for a text of `count` scalars before it is made.
  func chargeText(_ count: Int) throws {
    try requireLength(count)
    try charge(count / 16)
  }

  /// Checks the length of a growing text, which now has `count` scalars.
  func requireLength(_ count: Int) throws {
    if count > limits.output {
      throw failure("a text is longer than \(limits.output) characters", code: .templateLimit)
    }
  }

  /// Limits the recursion depth, because the stack is finite. A macro takes several levels.
  func nested<Result>(_ body: () throws -> Result) throws -> Result {
    levels += 1
    defer { levels -= 1 }
    if levels > limits.depth * 12 { throw failure("the template is nested too deeply") }
    return try body()
  }

  func requireDepth(_ value: Value) throws -> Value {
    if value.depth > limits.depth { throw failure("a value is nested too deeply") }
    return value
  }

  func failure(_ what: String, code: Failure.Code? = nil) -> Failure {
    .template(what, in: program.name, at: position, code: code)
  }

  func undefinedFailure(_ undefined: Undefined) -> Failure { failure(undefined.message) }

  // MARK: Variables

  /// Loads the outer variables that the scope of a frame needs.
  func enter(_ frame: Frame) throws {
    try charge(frame.scope.names.count / 8)
    for (slot, load) in frame.scope.loads.enumerated() {
      switch load {
      case .parameter: break
      case .nothing: frame.values[slot] = nil
      case .outer: frame.values[slot] = frame.outer?.value(frame.scope.names[slot])
      case .resolve: frame.values[slot] = resolve(frame.scope.names[slot])
      }
    }
  }

  private func resolve(_ name: Name) -> Value? {
    if let known = resolved[name] { return known }
    let word = program.names.words[name]
    let value = variables[word] ?? (Globals.names.contains(word) ? .function(word) : nil)
    resolved[name] = .some(value)
    return value
  }

  func value(of name: Name) -> Value {
    frame.value(name) ?? .undefined(Undefined(name: program.names.words[name]))
  }

  /// Runs `body` in a new frame inside the current one.
  func inFrame<Result>(_ scope: Int, _ body: (Frame) throws -> Result) throws -> Result {
    try inFrame(Frame(program.scopes[scope], outer: frame), body)
  }

  func inFrame<Result>(_ inner: Frame, _ body: (Frame) throws -> Result) throws -> Result {
    let outer = frame
    frame = inner
    defer { frame = outer }
    return try body(inner)
  }

  /// The text that `body` writes.
  func captured(_ body: () throws -> Void) throws -> Text {
    let outer = output
    output = []
    defer { output = outer }
    try body()
    return Text(units: output)
  }

  func write(_ units: [UInt32]) throws {
    try requireLength(output.count + units.count)
    try charge(units.count / 16)
    output += units
  }

  // MARK: Objects

  func keep(_ object: Object) throws -> Value {
    try step()
    objects.append(object)
    return .object(objects.count - 1)
  }

  /// The object that a value refers to.
  func object(_ value: Value) -> Object? {
    guard case .opaque(let opaque) = value, case .object(let index) = opaque.kind else { return nil }
    return objects[index]
  }
}

/// The variables of a scope during rendering.
final class Frame {
  let scope: Scope
  var values: [Value?]
  let outer: Frame?

  init(_ scope: Scope, outer: Frame?) {
    self.scope = scope
    self.outer = outer
    values = Array(repeating: nil, count: scope.names.count)
  }

  func value(_ name: Name) -> Value? {
    var frame: Frame? = self
    while let current = frame {
      if let slot = current.scope.slots[name] { return current.values[slot] }
      frame = current.outer
    }
    return nil
  }

  func set(_ name: Name, _ value: Value?) {
    if let slot = scope.slots[name] { values[slot] = value }
  }
}

/// Objects that exist only in the renderer.
enum Object {
  case namespace(Namespace)
  case loop(LoopState)
  case macro(MacroClosure)
  case generator(Generator)
  case cycler(Cycler)
  case joiner(Joiner)
}

final class Namespace {
  var attributes: Mapping
  init(_ attributes: Mapping) { self.attributes = attributes }
}

struct MacroClosure {
  let macro: Macro
  let frame: Frame
}

final class Cycler {
  let items: [Value]
  var index = 0
  init(_ items: [Value]) { self.items = items }
}

final class Joiner {
  let separator: Value
  var isUsed = false
  init(_ separator: Value) { self.separator = separator }
}
