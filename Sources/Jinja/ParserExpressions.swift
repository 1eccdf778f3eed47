import Support

// Expressions, by increasing precedence.
extension Parser {
  /// One expression; or several with commas between them, which form a tuple.
  mutating func parseTuple(
    conditional: Bool = true, until end: String? = nil, parenthesized: Bool = false
  ) throws -> Expression {
    var items: [Expression] = []
    var isTuple = false
    while !isTupleEnd(end) {
      items.append(try conditional ? parseExpression() : parseOr())
      guard skip(",") else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    guard isTuple || parenthesized else { throw unexpected("an expression") }
    return .tuple(items)
  }

  private func isTupleEnd(_ end: String?) -> Bool {
    if let end, isName(end) { return true }
    return current.kind == .variableEnd || current.kind == .blockEnd || isOperator(")")
  }

  mutating func parseExpression() throws -> Expression { try nested { try $0.parseConditional() } }

  private mutating func parseConditional() throws -> Expression {
    var value = try parseOr()
    var count = 0
    while skipName("if") {
      count += 1
      guard count < limits.depth else { throw failure("the template is nested too deeply") }
      let test = try parseOr()
      let otherwise = skipName("else") ? try parseExpression() : nil
      value = .conditional(test: test, then: value, otherwise: otherwise)
    }
    return value
  }

  mutating func parseOr() throws -> Expression {
    var items = [try parseAnd()]
    while skipName("or") { items.append(try parseAnd()) }
    return items.count == 1 ? items[0] : .or(items)
  }

  private mutating func parseAnd() throws -> Expression {
    var items = [try parseNot()]
    while skipName("and") { items.append(try parseNot()) }
    return items.count == 1 ? items[0] : .and(items)
  }

  private mutating func parseNot() throws -> Expression {
    if skipName("not") { return .not(try nested { try $0.parseNot() }) }
    return try parseComparison()
  }

  private mutating func parseComparison() throws -> Expression {
    let first = try parseSum()
    var rest: [Comparison] = []
    while true {
      let start = position
      let kind: Comparison.Kind
      if case .operator(let sign) = current.kind, let known = Comparison.Kind(rawValue: sign) {
        kind = known
      } else if isName("in") {
        kind = .contained
      } else if isName("not"), following == .name("in") {
        kind = .notContained
        advance()
      } else {
        break
      }
      advance()
      rest.append(Comparison(kind: kind, operand: try parseSum(), position: start))
    }
    return rest.isEmpty ? first : .comparison(first, rest)
  }

  private mutating func parseSum() throws -> Expression {
    try parseOperations(["+", "-"]) { try $0.parseConcatenation() }
  }

  private mutating func parseConcatenation() throws -> Expression {
    var items = [try parseProduct()]
    while skip("~") { items.append(try parseProduct()) }
    return items.count == 1 ? items[0] : .concatenation(items)
  }

  private mutating func parseProduct() throws -> Expression {
    try parseOperations(["*", "/", "//", "%"]) { parser in
      try parser.parseOperations(["**"]) { try $0.parseUnary() }
    }
  }

  private mutating func parseOperations(
    _ signs: [String], _ operand: (inout Parser) throws -> Expression
  ) throws -> Expression {
    let first = try operand(&self)
    var rest: [Operation] = []
    while case .operator(let sign) = current.kind, signs.contains(sign),
      let kind = Operation.Kind(rawValue: sign)
    {
      let start = position
      advance()
      rest.append(Operation(kind: kind, operand: try operand(&self), position: start))
    }
    return rest.isEmpty ? first : .arithmetic(first, rest)
  }

  /// A sign binds more tightly than a filter.
  private mutating func parseUnary(takesFilters: Bool = true) throws -> Expression {
    let start = position
    var value: Expression
    if skip("-") {
      value = .negative(try nested { try $0.parseUnary(takesFilters: false) }, start)
    } else if skip("+") {
      value = .positive(try nested { try $0.parseUnary(takesFilters: false) }, start)
    } else {
      value = try parsePrimary()
    }
    var steps = try parsePostfix()
    if takesFilters { try parseFilterChain(&steps) }
    if !steps.isEmpty { value = .postfix(value, steps) }
    return value
  }

  private mutating func parsePrimary() throws -> Expression {
    let token = current
    switch token.kind {
    case .name(let word):
      advance()
      switch word {
      case "true", "True": return .constant(.bool(true))
      case "false", "False": return .constant(.bool(false))
      case "none", "None": return .constant(.none)
      default: return .name(symbol(word), token.position)
      }
    case .string(var text):
      advance()
      while case .string(let more) = current.kind {
        text.units += more.units
        advance()
      }
      return .constant(.text(text))
    case .integer(let number):
      advance()
      return .constant(.integer(number))
    case .float(let number):
      advance()
      return .constant(.float(number))
    case .operator("("):
      advance()
      let value = try nested { try $0.parseTuple(parenthesized: true) }
      try expect(")")
      return value
    case .operator("["): return try parseList()
    case .operator("{"): return try parseDictionary(token.position)
    default: throw unexpected("an expression")
    }
  }

  private mutating func parseList() throws -> Expression {
    try expect("[")
    var items: [Expression] = []
    while !isOperator("]") {
      items.append(try parseExpression())
      if !isOperator("]") { try expect(",") }
    }
    try expect("]")
    return .list(items)
  }

  private mutating func parseDictionary(_ start: Position) throws -> Expression {
    try expect("{")
    var items: [(key: Expression, value: Expression)] = []
    while !isOperator("}") {
      let key = try parseExpression()
      try expect(":")
      items.append((key, try parseExpression()))
      if !isOperator("}") { try expect(",") }
    }
    try expect("}")
    return .dictionary(items, start)
  }

  // MARK: Suffixes of an expression

  private mutating func parsePostfix() throws -> [Postfix] {
    var steps: [Postfix] = []
    while case .operator(let sign) = current.kind {
      let start = position
      switch sign {
      case ".": steps.append(try parseAttribute())
      case "[": steps.append(Postfix(kind: try parseSubscript(), position: start))
      case "(": steps.append(Postfix(kind: .call(try parseArguments()), position: start))
      default: return steps
      }
    }
    return steps
  }

  private mutating func parseAttribute() throws -> Postfix {
    advance()
    let start = position
    switch current.kind {
    case .name(let word):
      advance()
      return Postfix(kind: .attribute(word), position: start)
    case .integer(let index):
      advance()
      return Postfix(kind: .item(.constant(.integer(index))), position: start)
    default: throw unexpected("a name or a number")
    }
  }

  private mutating func parseSubscript() throws -> Postfix.Kind {
    try expect("[")
    var kinds: [Postfix.Kind] = []
    while !isOperator("]") {
      if !kinds.isEmpty { try expect(",") }
      kinds.append(try parseSubscripted())
    }
    try expect("]")
    if kinds.count == 1 { return kinds[0] }
    return .item(
      .tuple(
        try kinds.map { kind in
          guard case .item(let item) = kind else { throw failure("a slice stands among items") }
          return item
        }))
  }

  private mutating func parseSubscripted() throws -> Postfix.Kind {
    var parts: [Expression?] = []
    while parts.count < 3 {
      let isEmpty = isOperator(":") || isOperator("]") || isOperator(",")
      parts.append(isEmpty ? nil : try parseExpression())
      guard isOperator(":") else { break }
      if parts.count < 3 { advance() }
    }
    if parts.count == 1 {
      guard let item = parts[0] else { throw unexpected("an expression") }
      return .item(item)
    }
    return .slice(parts[0], parts[1], parts.count > 2 ? parts[2] : nil)
  }

  private mutating func parseArguments() throws -> Arguments {
    try expect("(")
    var arguments = Arguments()
    while !isOperator(")") {
      let start = position
      if skip("*") {
        guard arguments.star == nil, arguments.doubleStar == nil else { throw misplaced(start) }
        arguments.star = try parseExpression()
      } else if skip("**") {
        guard arguments.doubleStar == nil else { throw misplaced(start) }
        arguments.doubleStar = try parseExpression()
      } else if case .name(let word) = current.kind, following == .operator("=") {
        guard arguments.doubleStar == nil else { throw misplaced(start) }
        guard !arguments.keywords.contains(where: { $0.name == word }) else {
          throw failure("the argument '\(word)' comes twice")
        }
        advance()
        advance()
        arguments.keywords.append((word, try parseExpression()))
      } else {
        guard arguments.star == nil, arguments.doubleStar == nil, arguments.keywords.isEmpty else {
          throw misplaced(start)
        }
        arguments.positional.append(try parseExpression())
      }
      if !isOperator(")") { try expect(",") }
    }
    try expect(")")
    return arguments
  }

  private func misplaced(_ start: Position) -> Failure {
    failure("this argument cannot stand after those before it", start)
  }

  // MARK: Filters and tests

  private mutating func parseFilterChain(_ steps: inout [Postfix]) throws {
    while true {
      let start = position
      if skip("|") {
        steps.append(try parseFilter())
      } else if isName("is") {
        advance()
        steps.append(try parseTest())
      } else if isOperator("(") {
        steps.append(Postfix(kind: .call(try parseArguments()), position: start))
      } else {
        return
      }
    }
  }

  /// The filters of a `filter` block or a `set` block.
  mutating func parseFilters(inline: Bool) throws -> [Postfix] {
    var steps = inline ? [try parseFilter()] : []
    while skip("|") { steps.append(try parseFilter()) }
    return steps
  }

  private mutating func parseDottedName() throws -> String {
    var word = try expectName()
    while skip(".") { word += "." + (try expectName()) }
    return word
  }

  private mutating func parseFilter() throws -> Postfix {
    let start = position
    let word = try parseDottedName()
    let arguments = isOperator("(") ? try parseArguments() : Arguments()
    return Postfix(kind: .filter(word, arguments), position: start)
  }

  private mutating func parseTest() throws -> Postfix {
    let isNegated = skipName("not")
    let start = position
    let word = try parseDottedName()
    var arguments = Arguments()
    if isOperator("(") {
      arguments = try parseArguments()
    } else if beginsArgument {
      if isName("is") { throw failure("a test cannot follow a test") }
      var argument = try parsePrimary()
      let steps = try parsePostfix()
      if !steps.isEmpty { argument = .postfix(argument, steps) }
      arguments.positional = [argument]
    }
    return Postfix(kind: .test(word, arguments, isNegated: isNegated), position: start)
  }

  private var beginsArgument: Bool {
    switch current.kind {
    case .name(let word): !["else", "or", "and"].contains(word)
    case .string, .integer, .float: true
    case .operator(let sign): sign == "[" || sign == "{"
    default: false
    }
  }

  // MARK: Targets of assignments

  mutating func parseTarget(until end: String? = nil, allowsAttributes: Bool = false) throws -> Target {
    try nested { try $0.parseTargets(until: end, allowsAttributes: allowsAttributes) }
  }

  private mutating func parseTargets(until end: String?, allowsAttributes: Bool) throws -> Target {
    let start = position
    var items: [Target] = []
    var isTuple = false
    while !(end.map(isName) ?? false), current.kind != .blockEnd, !isOperator(")") {
      items.append(try parseSingleTarget(allowsAttributes: allowsAttributes))
      guard skip(",") else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    guard isTuple else { throw unexpected("a name") }
    return .tuple(items, start)
  }

  private mutating func parseSingleTarget(allowsAttributes: Bool) throws -> Target {
    let start = position
    if skip("(") {
      let target = try parseTarget()
      try expect(")")
      return target
    }
    let word = try expectName()
    if ["true", "false", "none", "True", "False", "None"].contains(word) {
      throw failure("'\(word)' cannot be assigned to", start)
    }
    if allowsAttributes, skip(".") { return .attribute(symbol(word), try expectName(), start) }
    return .name(symbol(word))
  }
}
