import Support

/// Parses a template with jinja2's grammar.
struct Parser {
  let name: String
  let limits: Limits
  private let tokens: [Token]
  private var next = 0
  private(set) var names = Names()
  private(set) var scopeCount = 0
  private var depth = 0
  /// Whether `break` is allowed here.
  private var isInLoop = false
  /// The number of enclosing loops. Inside a loop, nothing else may be named `loop`.
  private var loops = 0
  private(set) var hasGeneration = false

  init(_ source: String, name: String, limits: Limits) throws {
    self.name = name
    self.limits = limits
    tokens = try Lexer.tokens(source, name: name)
  }

  mutating func parse() throws -> Block {
    let scope = newScope()
    return Block(scope: scope, body: try parseBody(until: [], opener: nil))
  }

  // MARK: Tokens

  var current: Token { tokens[next] }
  var following: Token.Kind { tokens[min(next + 1, tokens.count - 1)].kind }
  var position: Position { current.position }

  mutating func advance() { next = min(next + 1, tokens.count - 1) }

  func isOperator(_ sign: String) -> Bool { current.kind == .operator(sign) }
  func isName(_ word: String) -> Bool { current.kind == .name(word) }

  mutating func skip(_ sign: String) -> Bool {
    guard isOperator(sign) else { return false }
    advance()
    return true
  }

  mutating func skipName(_ word: String) -> Bool {
    guard isName(word) else { return false }
    advance()
    return true
  }

  mutating func expect(_ sign: String) throws {
    if !skip(sign) { throw unexpected("'\(sign)'") }
  }

  mutating func expectName(_ word: String) throws {
    if !skipName(word) { throw unexpected("'\(word)'") }
  }

  mutating func expectName() throws -> String {
    guard case .name(let word) = current.kind else { throw unexpected("a name") }
    advance()
    return word
  }

  func unexpected(_ expected: String) -> Failure {
    failure("\(expected) is expected, and \(current.shown) stands here")
  }

  func failure(_ what: String, _ position: Position? = nil) -> Failure {
    .template(what, in: name, at: position ?? self.position)
  }

  mutating func symbol(_ word: String) -> Name { names.number(word) }

  mutating func newScope() -> Int {
    scopeCount += 1
    return scopeCount - 1
  }

  /// Refuses nesting beyond the limit, so that a walk over the tree never recurses too deeply.
  mutating func nested<Result>(_ body: (inout Parser) throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else { throw failure("the template is nested too deeply") }
    return try body(&self)
  }

  /// Parses a body in which `break` is allowed or not.
  mutating func within<Result>(loop: Bool, _ body: (inout Parser) throws -> Result) throws -> Result {
    let outer = isInLoop
    isInLoop = loop
    defer { isInLoop = outer }
    return try body(&self)
  }

  // MARK: Bodies

  /// Parses statements up to a block that begins with one of `ends`; that word becomes the current token.
  mutating func parseBody(until ends: [String], opener: (word: String, Position)?) throws -> [Statement] {
    try nested { try $0.parseStatements(until: ends, opener: opener) }
  }

  private mutating func parseStatements(
    until ends: [String], opener: (word: String, Position)?
  ) throws -> [Statement] {
    var body: [Statement] = []
    while true {
      switch current.kind {
      case .data(let text):
        body.append(.text(text))
        advance()
      case .variableBegin:
        advance()
        body.append(.output(try parseTuple()))
        guard current.kind == .variableEnd else { throw unexpected("'}}'") }
        advance()
      case .blockBegin:
        advance()
        if case .name(let word) = current.kind, ends.contains(word) { return body }
        if let statement = try parseStatement() { body += statement }
        try endTag()
      default:
        guard let opener else { return body }
        let wanted = ends.map { "'\($0)'" }.joined(separator: " or ")
        throw failure("\(wanted) of this '\(opener.word)' is missing", opener.1)
      }
    }
  }

  mutating func endTag() throws {
    guard current.kind == .blockEnd else { throw unexpected("'%}'") }
    advance()
  }

  /// Parses the end of the opening tag, the body, and the word that ends it, which is returned.
  mutating func parseEnclosed(
    _ opener: String, _ position: Position, until ends: [String]
  ) throws -> ([Statement], end: String) {
    _ = skip(":")
    try endTag()
    let body = try parseBody(until: ends, opener: (opener, position))
    return (body, try expectName())
  }

  mutating func parseBlock(_ opener: String, _ position: Position) throws -> Block {
    let scope = newScope()
    return Block(scope: scope, body: try parseEnclosed(opener, position, until: ["end\(opener)"]).0)
  }

  // MARK: Statements

  private mutating func parseStatement() throws -> [Statement]? {
    let start = position
    let word = try expectName()
    switch word {
    case "for": return [try parseFor(start)]
    case "if": return [try parseIf(start)]
    case "set": return [try parseSet(start)]
    case "macro": return [try parseMacro(start)]
    case "call": return [try parseCallBlock(start)]
    case "filter":
      let filters = try parseFilters(inline: true)
      return [.filtered(filters, try parseBlock("filter", start))]
    case "with": return [try parseWith(start)]
    case "print": return try parsePrint()
    case "generation":
      hasGeneration = true
      return [.generation(try within(loop: false) { try $0.parseBlock("generation", start) })]
    case "break", "continue":
      guard isInLoop else { throw failure("'\(word)' stands outside a loop", start) }
      return [word == "break" ? .breakLoop : .continueLoop]
    case "include", "extends", "import", "from", "block", "autoescape":
      throw failure("the statement '\(word)' is not supported", start)
    default: throw failure("there is no statement '\(word)'", start)
    }
  }

  private mutating func parsePrint() throws -> [Statement] {
    var outputs: [Statement] = []
    while current.kind != .blockEnd {
      if !outputs.isEmpty { try expect(",") }
      outputs.append(.output(try parseExpression()))
    }
    return outputs
  }

  private mutating func parseIf(_ start: Position) throws -> Statement {
    var branches: [Branch] = []
    while true {
      let test = try parseTuple(conditional: false)
      let (body, end) = try parseEnclosed("if", start, until: ["elif", "else", "endif"])
      branches.append(Branch(test: test, body: body))
      if end == "elif" { continue }
      let otherwise = end == "else" ? try parseEnclosed("if", start, until: ["endif"]).0 : []
      return .conditional(branches, otherwise: otherwise)
    }
  }

  private mutating func parseFor(_ start: Position) throws -> Statement {
    loops += 1
    defer { loops -= 1 }
    let target = try parseTarget(until: "in")
    try requireFree(target, start)
    try expectName("in")
    let iterable = try parseTuple(conditional: false, until: "recursive")
    let test = skipName("if") ? try parseExpression() : nil
    let isRecursive = skipName("recursive")
    let (scope, testScope, elseScope) = (newScope(), newScope(), newScope())
    let (body, end) = try within(loop: true) {
      try $0.parseEnclosed("for", start, until: ["endfor", "else"])
    }
    // A recursive loop is a function, and so is its `else` branch: a `break` cannot leave it.
    let breaks = isInLoop && !isRecursive
    let otherwise =
      end == "else"
      ? try within(loop: breaks) { try $0.parseEnclosed("for", start, until: ["endfor"]).0 } : []
    return .loop(
      Loop(
        target: target, iterable: iterable, test: test, testScope: testScope,
        isRecursive: isRecursive, block: Block(scope: scope, body: body),
        otherwise: Block(scope: elseScope, body: otherwise), position: start))
  }

  private mutating func parseSet(_ start: Position) throws -> Statement {
    let target = try parseTarget(allowsAttributes: true)
    try requireFree(target, start)
    if skip("=") { return .assign(target, try parseTuple(), start) }
    let filters = try parseFilters(inline: false)
    return .capture(target, filters: filters, try parseBlock("set", start), start)
  }

  private mutating func requireFree(_ target: Target, _ start: Position) throws {
    let loop = symbol("loop")
    if loops > 0, target.names.contains(loop) { throw failure("'loop' cannot be assigned to", start) }
  }

  private mutating func parseWith(_ start: Position) throws -> Statement {
    var pairs: [(target: Target, value: Expression)] = []
    while current.kind != .blockEnd, !isOperator(":") {
      if !pairs.isEmpty { try expect(",") }
      let target = try parseTarget()
      try expect("=")
      pairs.append((target, try parseExpression()))
    }
    return .with(pairs, try parseBlock("with", start), start)
  }

  private mutating func parseMacro(_ start: Position) throws -> Statement {
    let word = try expectName()
    let parameters = try parseSignature()
    let block = try within(loop: false) { try $0.parseBlock("macro", start) }
    return .macro(
      makeMacro(name: word, symbol: symbol(word), parameters: parameters, block: block, position: start))
  }

  private mutating func parseCallBlock(_ start: Position) throws -> Statement {
    let parameters = isOperator("(") ? try parseSignature() : []
    let call = try parseExpression()
    guard case .postfix(_, let steps) = call, case .call = steps.last?.kind else {
      throw failure("'call' needs a call", start)
    }
    let block = try within(loop: false) { try $0.parseBlock("call", start) }
    let body = makeMacro(
      name: nil, symbol: symbol("caller"), parameters: parameters, block: block, position: start)
    return .call(body, call, start)
  }

  /// A macro accepts `caller` and extra arguments only if its body reads them.
  private mutating func makeMacro(
    name: String?, symbol: Name, parameters: [Macro.Parameter], block: Block, position: Position
  ) -> Macro {
    var read: Set<Name> = []
    var own = Set(parameters.map(\.name))
    Statement.visit(block.body) { statement in
      for expression in statement.expressions { expression.visitNames { read.insert($0) } }
      for target in statement.targets { own.formUnion(target.names) }
    }
    let takes = { (word: Name) in read.contains(word) && !own.contains(word) }
    let special = ["caller", "kwargs", "varargs"].map { self.symbol($0) }
    return Macro(
      name: name, symbol: symbol, parameters: parameters, block: block,
      caller: takes(special[0]) ? special[0] : nil, keywords: takes(special[1]) ? special[1] : nil,
      rest: takes(special[2]) ? special[2] : nil, position: position)
  }

  private mutating func parseSignature() throws -> [Macro.Parameter] {
    var parameters: [Macro.Parameter] = []
    try expect("(")
    while !isOperator(")") {
      if !parameters.isEmpty { try expect(",") }
      let word = try expectName()
      let fallback = skip("=") ? try parseExpression() : nil
      if fallback == nil, parameters.last?.fallback != nil {
        throw failure("a parameter without a default stands after one with a default")
      }
      parameters.append(.init(name: symbol(word), fallback: fallback))
    }
    try expect(")")
    return parameters
  }
}

/// Maps the names in a template to numbers.
struct Names: Sendable {
  private(set) var words: [String] = []
  private var numbers: [String: Name] = [:]

  mutating func number(_ word: String) -> Name {
    if let number = numbers[word] { return number }
    numbers[word] = words.count
    words.append(word)
    return words.count - 1
  }
}
