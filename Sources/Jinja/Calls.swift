import Support

/// The arguments of a call; for a function with declared parameters, also the value of each parameter.
struct Passed {
  var positional: [Value] = []
  var keywords: [(name: String, value: Value)] = []
  var bound: [Value?] = []

  subscript(index: Int) -> Value? { bound[index] }
}

/// A built-in filter, test, function or method.
struct Builtin: Sendable {
  typealias Body = @Sendable (Renderer, Value, Passed) throws -> Value
  private let parameters: [String]?
  private let required: Int
  private let body: Body

  /// - Parameter parameters: the names; empty for an argument that can only be given by position.
  init(_ parameters: String..., required: Int = 0, _ body: @escaping Body) {
    (self.parameters, self.required, self.body) = (parameters, required, body)
  }

  /// A built-in that accepts any arguments.
  init(variadic body: @escaping Body) { (parameters, required, self.body) = (nil, 0, body) }

  func call(_ renderer: Renderer, _ receiver: Value, _ passed: Passed, name: String) throws -> Value {
    guard let parameters else { return try body(renderer, receiver, passed) }
    guard passed.positional.count <= parameters.count else {
      throw renderer.failure("'\(name)' takes at most \(parameters.count) arguments")
    }
    var filled = passed
    filled.bound = passed.positional.map { $0 }
    filled.bound += Array(repeating: nil, count: parameters.count - passed.positional.count)
    for keyword in passed.keywords {
      guard let place = parameters.firstIndex(of: keyword.name), filled.bound[place] == nil else {
        throw renderer.failure("'\(name)' has no use for the argument '\(keyword.name)'")
      }
      filled.bound[place] = keyword.value
    }
    for index in 0..<required where filled.bound[index] == nil {
      throw renderer.failure("'\(name)' needs \(required) arguments")
    }
    return try body(renderer, receiver, filled)
  }
}

extension Renderer {
  func evaluate(_ arguments: Arguments) throws -> Passed {
    var passed = Passed()
    for argument in arguments.positional { passed.positional.append(try evaluate(argument)) }
    if let star = arguments.star { passed.positional += try items(evaluate(star)) }
    for keyword in arguments.keywords {
      passed.keywords.append((keyword.name, try evaluate(keyword.value)))
    }
    guard let doubleStar = arguments.doubleStar else { return passed }
    guard case .mapping(let mapping) = try evaluate(doubleStar) else {
      throw failure("what follows '**' is no mapping")
    }
    // Cost: every name is compared with every other name.
    try charge(mapping.count * (mapping.count + passed.keywords.count))
    for (key, value) in mapping.pairs {
      guard case .text(let name) = key else { throw failure("the name of an argument is no text") }
      guard !passed.keywords.contains(where: { $0.name == name.string }) else {
        throw failure("the argument '\(name.string)' comes twice")
      }
      passed.keywords.append((name.string, value))
    }
    try charge(passed.positional.count + passed.keywords.count)
    return passed
  }

  func call(_ value: Value, _ passed: Passed) throws -> Value {
    if case .undefined(let undefined) = value { throw undefinedFailure(undefined) }
    guard case .opaque(let opaque) = value else {
      throw failure("a value of type \(value.typeName) cannot be called")
    }
    switch opaque.kind {
    case .function(let name):
      guard let function = Globals.table[name] else { throw failure("'\(name)' is not supported") }
      return try function.call(self, .none, passed, name: name)
    case .method(let receiver, let name): return try call(receiver, name, passed)
    case .object: return try callObject(value, passed)
    }
  }

  private func call(_ receiver: Value, _ name: String, _ passed: Passed) throws -> Value {
    let method: Builtin? =
      switch receiver {
      case .text: Methods.text[name]
      case .mapping: Methods.mapping[name]
      case .list, .tuple: Methods.list[name]
      default: Methods.object[name]
      }
    guard let method else { throw failure("the method '\(name)' is not known") }
    return try method.call(self, receiver, passed, name: name)
  }

  private func callObject(_ value: Value, _ passed: Passed) throws -> Value {
    switch object(value) {
    case .macro(let closure): return .text(try call(closure, passed))
    case .loop(let state):
      guard let recursion = state.recursion else { throw failure("the loop is not recursive") }
      guard passed.positional.count == 1, passed.keywords.isEmpty else {
        throw failure("'loop' takes one argument")
      }
      return .text(
        try inFrame(recursion.frame) { _ in
          try render(recursion.loop, over: passed.positional[0], depth: state.level + 1)
        })
    case .joiner(let joiner):
      defer { joiner.isUsed = true }
      return joiner.isUsed ? joiner.separator : .text("")
    default: throw failure("this object cannot be called")
    }
  }

  // MARK: Macros

  /// `{% call %}`: calls with the block as `caller`.
  func execute(_ macro: Macro, _ call: Expression, _ place: Position) throws {
    guard case .postfix(let base, let steps) = call, let last = steps.last,
      case .call(let arguments) = last.kind
    else { return }
    let callee = try apply(Array(steps.dropLast()), to: evaluate(base))
    var passed = try evaluate(arguments)
    passed.keywords.append(
      ("caller", try keep(.macro(MacroClosure(macro: macro, frame: frame)))))
    position = last.position
    try print(self.call(callee, passed))
  }

  func call(_ closure: MacroClosure, _ passed: Passed) throws -> Text {
    let macro = closure.macro
    let inner = Frame(program.scopes[macro.block.scope], outer: closure.frame)
    try bind(passed, to: macro, in: inner)
    return try captured {
      try nested {
        try inFrame(inner) { frame in
          try enter(frame)
          for parameter in macro.parameters where frame.value(parameter.name) == nil {
            let word = program.names.words[parameter.name]
            frame.set(
              parameter.name,
              try parameter.fallback.map(evaluate)
                ?? .undefined(Undefined("the parameter '\(word)' is not given")))
          }
          _ = try execute(macro.block.body)
        }
      }
    }
  }

  private func bind(_ passed: Passed, to macro: Macro, in inner: Frame) throws {
    let shown = macro.name ?? "caller"
    var keywords = passed.keywords
    try charge(keywords.count * macro.parameters.count)
    func take(_ word: String) -> Value? {
      guard let place = keywords.firstIndex(where: { $0.name == word }) else { return nil }
      return keywords.remove(at: place).value
    }
    for (index, parameter) in macro.parameters.enumerated() {
      let isGiven = index < passed.positional.count
      inner.set(
        parameter.name,
        isGiven ? passed.positional[index] : take(program.names.words[parameter.name]))
    }
    if let caller = macro.caller {
      inner.set(caller, take("caller") ?? .undefined(Undefined("no caller is defined")))
    }
    if let rest = macro.keywords {
      var mapping = Mapping()
      for keyword in keywords { mapping[keyword.name] = keyword.value }
      inner.set(rest, try requireDepth(.mapping(mapping)))
    } else if let first = keywords.first {
      throw failure("the macro '\(shown)' takes no argument '\(first.name)'")
    }
    let surplus = Array(passed.positional.dropFirst(macro.parameters.count))
    if let rest = macro.rest {
      inner.set(rest, try requireDepth(.tuple(surplus)))
    } else if !surplus.isEmpty {
      throw failure("the macro '\(shown)' takes no more than \(macro.parameters.count) arguments")
    }
  }
}
