// The syntax tree of a template. Names are numbers, and a block stores the number of its scope.

typealias Name = Int

indirect enum Expression: Sendable {
  case constant(Value)
  case name(Name, Position)
  case list([Expression])
  case tuple([Expression])
  case dictionary([(key: Expression, value: Expression)], Position)
  case negative(Expression, Position)
  case positive(Expression, Position)
  /// Operators of equal precedence, from left to right.
  case arithmetic(Expression, [Operation])
  case concatenation([Expression])
  case comparison(Expression, [Comparison])
  case and([Expression])
  case or([Expression])
  case not(Expression)
  case conditional(test: Expression, then: Expression, otherwise: Expression?)
  case postfix(Expression, [Postfix])
}

struct Operation: Sendable {
  enum Kind: String, Sendable {
    case add = "+", subtract = "-", multiply = "*", divide = "/", floorDivide = "//", remainder = "%"
    case power = "**"
  }
  var kind: Kind
  var operand: Expression
  var position: Position
}

struct Comparison: Sendable {
  enum Kind: String, Sendable {
    case equal = "==", unequal = "!=", less = "<", lessOrEqual = "<=", greater = ">"
    case greaterOrEqual = ">="
    case contained = "in", notContained = "not in"
  }
  var kind: Kind
  var operand: Expression
  var position: Position
}

/// A suffix that is applied to the value of an expression.
struct Postfix: Sendable {
  enum Kind: Sendable {
    case attribute(String)
    case item(Expression)
    case slice(Expression?, Expression?, Expression?)
    case call(Arguments)
    case filter(String, Arguments)
    case test(String, Arguments, isNegated: Bool)
  }
  var kind: Kind
  var position: Position
}

struct Arguments: Sendable {
  var positional: [Expression] = []
  var keywords: [(name: String, value: Expression)] = []
  var star: Expression?
  var doubleStar: Expression?
}

indirect enum Target: Sendable {
  case name(Name)
  case attribute(Name, String, Position)
  case tuple([Target], Position)

  /// The names that it assigns.
  var names: [Name] {
    switch self {
    case .name(let name): [name]
    case .attribute: []
    case .tuple(let items, _): items.flatMap(\.names)
    }
  }
}

/// Statements with their own scope.
struct Block: Sendable {
  var scope: Int
  var body: [Statement]
}

struct Branch: Sendable {
  var test: Expression
  var body: [Statement]
}

struct Loop: Sendable {
  var target: Target
  var iterable: Expression
  var test: Expression?
  var testScope: Int
  var isRecursive: Bool
  var block: Block
  var otherwise: Block
  var position: Position
}

struct Macro: Sendable {
  struct Parameter: Sendable {
    var name: Name
    var fallback: Expression?
  }
  /// Nil for the body of a call block.
  var name: String?
  var symbol: Name
  var parameters: [Parameter]
  var block: Block
  /// `caller`, `kwargs` and `varargs`, if the body reads them.
  var caller: Name?
  var keywords: Name?
  var rest: Name?
  var position: Position

  var specialNames: [Name] { [caller, keywords, rest].compactMap { $0 } }
}

indirect enum Statement: Sendable {
  case text(Text)
  case output(Expression)
  case conditional([Branch], otherwise: [Statement])
  case loop(Loop)
  case assign(Target, Expression, Position)
  case capture(Target, filters: [Postfix], Block, Position)
  case macro(Macro)
  case call(Macro, Expression, Position)
  case generation(Block)
  case filtered([Postfix], Block)
  case with([(target: Target, value: Expression)], Block, Position)
  case breakLoop
  case continueLoop
}
