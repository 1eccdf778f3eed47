// Walks over the syntax tree to find names.

extension Expression {
  /// Every name that is read, in the order of the source.
  func visitNames(_ body: (Name) -> Void) {
    switch self {
    case .constant: break
    case .name(let name, _): body(name)
    case .list(let items), .tuple(let items), .concatenation(let items), .and(let items), .or(let items):
      for item in items { item.visitNames(body) }
    case .dictionary(let items, _):
      for item in items {
        item.key.visitNames(body)
        item.value.visitNames(body)
      }
    case .negative(let value, _), .positive(let value, _), .not(let value): value.visitNames(body)
    case .arithmetic(let first, let rest):
      first.visitNames(body)
      for operation in rest { operation.operand.visitNames(body) }
    case .comparison(let first, let rest):
      first.visitNames(body)
      for comparison in rest { comparison.operand.visitNames(body) }
    case .conditional(let test, let then, let otherwise):
      test.visitNames(body)
      then.visitNames(body)
      otherwise?.visitNames(body)
    case .postfix(let value, let steps):
      value.visitNames(body)
      Expression.visitNames(of: steps, body)
    }
  }

  static func visitNames(of steps: [Postfix], _ body: (Name) -> Void) {
    for step in steps { for operand in step.operands { operand.visitNames(body) } }
  }

  /// Visits the expression itself and every expression in it.
  func visit(_ body: (Expression) -> Void) {
    body(self)
    for operand in operands { operand.visit(body) }
  }

  var operands: [Expression] {
    switch self {
    case .constant, .name: []
    case .list(let items), .tuple(let items), .concatenation(let items), .and(let items), .or(let items):
      items
    case .dictionary(let items, _): items.flatMap { [$0.key, $0.value] }
    case .negative(let value, _), .positive(let value, _), .not(let value): [value]
    case .arithmetic(let first, let rest): [first] + rest.map(\.operand)
    case .comparison(let first, let rest): [first] + rest.map(\.operand)
    case .conditional(let test, let then, let otherwise):
      [test, then] + (otherwise.map { [$0] } ?? [])
    case .postfix(let value, let steps): [value] + steps.flatMap(\.operands)
    }
  }
}

extension Postfix {
  var operands: [Expression] {
    switch kind {
    case .attribute: []
    case .item(let item): [item]
    case .slice(let start, let stop, let step): [start, stop, step].compactMap { $0 }
    case .call(let arguments), .filter(_, let arguments), .test(_, let arguments, _):
      arguments.expressions
    }
  }
}

extension Arguments {
  var expressions: [Expression] {
    positional + keywords.map(\.value) + [star, doubleStar].compactMap { $0 }
  }
}

extension Statement {
  /// Visits every statement in `body`, including nested ones.
  static func visit(_ body: [Statement], _ action: (Statement) -> Void) {
    for statement in body {
      action(statement)
      for inner in statement.bodies { visit(inner, action) }
    }
  }

  var bodies: [[Statement]] {
    switch self {
    case .text, .output, .assign, .breakLoop, .continueLoop: []
    case .conditional(let branches, let otherwise): branches.map(\.body) + [otherwise]
    case .loop(let loop): [loop.block.body, loop.otherwise.body]
    case .capture(_, _, let block, _), .generation(let block), .filtered(_, let block),
      .with(_, let block, _):
      [block.body]
    case .macro(let macro), .call(let macro, _, _): [macro.block.body]
    }
  }

  /// The expressions of this statement, without nested statements.
  var expressions: [Expression] {
    switch self {
    case .text, .breakLoop, .continueLoop, .generation: []
    case .output(let value), .assign(_, let value, _): [value]
    case .conditional(let branches, _): branches.map(\.test)
    case .loop(let loop): [loop.iterable] + (loop.test.map { [$0] } ?? [])
    case .capture(_, let filters, _, _), .filtered(let filters, _):
      [.postfix(.constant(.none), filters)]
    case .macro(let macro): macro.parameters.compactMap(\.fallback)
    case .call(let macro, let call, _): [call] + macro.parameters.compactMap(\.fallback)
    case .with(let pairs, _, _): pairs.map(\.value)
    }
  }

  /// The targets that the statement assigns to.
  var targets: [Target] {
    switch self {
    case .assign(let target, _, _), .capture(let target, _, _, _): [target]
    case .loop(let loop): [loop.target]
    case .with(let pairs, _, _): pairs.map(\.target)
    case .macro(let macro): [.name(macro.symbol)] + macro.parameters.map { .name($0.name) }
    case .call(let macro, _, _): macro.parameters.map { .name($0.name) }
    default: []
    }
  }
}
