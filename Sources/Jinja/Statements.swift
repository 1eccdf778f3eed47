import Support

/// The way in which a body ends.
enum Flow { case normal, breakLoop, continueLoop }

extension Renderer {
  func execute(_ body: [Statement]) throws -> Flow {
    try nested {
      for statement in body {
        let flow = try execute(statement)
        if flow != .normal { return flow }
      }
      return .normal
    }
  }

  private func execute(_ statement: Statement) throws -> Flow {
    try step()
    switch statement {
    case .text(let text): try write(text.units)
    case .output(let value): try print(evaluate(value))
    case .conditional(let branches, let otherwise): return try execute(branches, otherwise)
    case .loop(let loop): return try execute(loop)
    case .assign(let target, let value, let place): try assign(evaluate(value), to: target, place)
    case .capture(let target, let filters, let block, let place):
      return try capture(target, filters: filters, block, place)
    case .macro(let macro):
      frame.set(macro.symbol, try keep(.macro(MacroClosure(macro: macro, frame: frame))))
    case .call(let macro, let call, let place): try execute(macro, call, place)
    case .generation(let block): try generate(block)
    case .filtered(let filters, let block): return try execute(filters, block)
    case .with(let pairs, let block, let place): return try execute(pairs, block, place)
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .normal
  }

  private func execute(_ branches: [Branch], _ otherwise: [Statement]) throws -> Flow {
    for branch in branches where try isTrue(evaluate(branch.test)) { return try execute(branch.body) }
    return otherwise.isEmpty ? .normal : try execute(otherwise)
  }

  private func capture(
    _ target: Target, filters: [Postfix], _ block: Block, _ place: Position
  ) throws -> Flow {
    let (value, flow) = try evaluate(filters, block)
    if flow == .normal { try assign(value, to: target, place) }
    return flow
  }

  /// The text that a block writes, passed through filters. A `break` in the block discards its text.
  private func evaluate(_ filters: [Postfix], _ block: Block) throws -> (Value, Flow) {
    try inFrame(block.scope) { frame in
      try enter(frame)
      var flow = Flow.normal
      let text = try captured { flow = try execute(block.body) }
      guard flow == .normal else { return (.none, flow) }
      return (try apply(filters, to: .text(text)), flow)
    }
  }

  private func execute(_ filters: [Postfix], _ block: Block) throws -> Flow {
    let (value, flow) = try evaluate(filters, block)
    if flow == .normal { try print(value) }
    return flow
  }

  private func generate(_ block: Block) throws {
    let text = try captured {
      try inFrame(block.scope) { frame in
        try enter(frame)
        _ = try execute(block.body)
      }
    }
    try write(text.generated())
  }

  private func execute(
    _ pairs: [(target: Target, value: Expression)], _ block: Block, _ place: Position
  ) throws -> Flow {
    let inner = Frame(program.scopes[block.scope], outer: frame)
    try enter(inner)
    for pair in pairs {
      let value = try evaluate(pair.value)
      try inFrame(inner) { _ in try assign(value, to: pair.target, place) }
    }
    return try inFrame(inner) { _ in try execute(block.body) }
  }

  // MARK: Assignment

  func assign(_ value: Value, to target: Target, _ place: Position) throws {
    switch target {
    case .name(let name): frame.set(name, value)
    case .attribute(let name, let attribute, let position):
      self.position = position
      guard case .namespace(let namespace) = object(self.value(of: name)) else {
        throw failure("an attribute can only be set in a namespace")
      }
      try set(attribute, value, in: namespace)
    case .tuple(let targets, let position):
      self.position = position
      let items = try items(value)
      guard items.count == targets.count else {
        throw failure("\(items.count) values cannot be assigned to \(targets.count) names")
      }
      for (target, item) in zip(targets, items) { try assign(item, to: target, place) }
    }
  }

  func set(_ attribute: String, _ value: Value, in namespace: Namespace) throws {
    if attribute.hasPrefix("_") {
      throw failure("the attribute '\(attribute)' of a namespace begins with an underscore")
    }
    namespace.attributes[attribute] = value
  }
}
