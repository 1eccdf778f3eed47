// As in jinja2, the scope of every name is determined before rendering: a scope that assigns a name anywhere has its
// own variable of that name. On entry to the scope, the variable gets the value that its load describes.

/// The variables of one scope.
struct Scope: Sendable {
  enum Load: Sendable {
    /// The caller's variable of this name, or the global.
    case resolve
    /// The variable of that name in an enclosing scope.
    case outer
    /// Undefined until it is assigned.
    case nothing
    /// Set by the code that enters the scope.
    case parameter
  }
  var slots: [Name: Int] = [:]
  var names: [Name] = []
  var loads: [Load] = []
}

/// The variables of a scope while its statements are analysed, or those that one branch of a condition adds.
final class Symbols {
  private var loads: [Name: Scope.Load] = [:]
  private var order: [Name] = []
  private var stores: Set<Name> = []
  /// The names known before the branch.
  private let base: Symbols?
  /// The names of all enclosing scopes.
  private let outer: Set<Name>

  init(outer: Set<Name>) { (self.outer, base) = (outer, nil) }

  /// The symbols of a branch.
  init(of base: Symbols) { (outer, self.base) = (base.outer, base) }

  var visible: Set<Name> { outer.union(order) }

  private func isKnown(_ name: Name) -> Bool { loads[name] != nil || base?.isKnown(name) == true }
  private func isStored(_ name: Name) -> Bool { stores.contains(name) || base?.isStored(name) == true }

  private func define(_ name: Name, _ load: Scope.Load) {
    if loads.updateValue(load, forKey: name) == nil { order.append(name) }
  }

  func load(_ name: Name) {
    if !isKnown(name), !outer.contains(name) { define(name, .resolve) }
  }

  func store(_ name: Name) {
    stores.insert(name)
    if !isKnown(name) { define(name, outer.contains(name) ? .outer : .nothing) }
  }

  func declare(_ name: Name) {
    stores.insert(name)
    define(name, .parameter)
  }

  /// Declares the variables that are set on entry to the scope.
  func declare(_ target: Target) {
    switch target {
    case .name(let name): declare(name)
    case .attribute(let name, _, _): load(name)
    case .tuple(let items, _): for item in items { declare(item) }
    }
  }

  /// Variables assigned in branches of a condition may remain unassigned. Before an assignment they have their outer
  /// value.
  func merge(_ branches: [Symbols]) {
    let assigned = branches.flatMap(\.stores).filter { !isStored($0) }
    for branch in branches {
      for name in branch.order { define(name, branch.loads[name]!) }
      stores.formUnion(branch.stores)
    }
    for name in assigned { define(name, outer.contains(name) ? .outer : .resolve) }
  }

  var scope: Scope {
    Scope(
      slots: Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) }), names: order,
      loads: order.map { loads[$0]! })
  }
}

/// Finds the variables of every scope of a template.
struct ScopeFinder {
  private(set) var scopes: [Scope]
  private let loop: Name

  init(count: Int, loop: Name) {
    scopes = Array(repeating: Scope(), count: count)
    self.loop = loop
  }

  /// Finds the scope of `block` and the scopes nested in it; `prepare` declares the variables that are set on entry.
  mutating func find(
    _ block: Block, outer: Set<Name>, _ prepare: (Symbols) -> Void = { _ in }
  ) {
    let symbols = Symbols(outer: outer)
    prepare(symbols)
    for statement in block.body { visit(statement, symbols) }
    scopes[block.scope] = symbols.scope
    let visible = symbols.visible
    for statement in block.body { enter(statement, visible) }
  }

  // MARK: The statements of one scope

  private func visit(_ statement: Statement, _ symbols: Symbols) {
    switch statement {
    case .text, .breakLoop, .continueLoop, .generation: break
    case .output(let value): value.visitNames { symbols.load($0) }
    case .conditional(let branches, let otherwise):
      visitBranches(branches[...], otherwise, symbols)
    case .loop(let loop): loop.iterable.visitNames { symbols.load($0) }
    case .assign(let target, let value, _):
      value.visitNames { symbols.load($0) }
      visit(target, symbols)
    case .capture(let target, _, _, _): visit(target, symbols)
    case .macro(let macro): symbols.store(macro.symbol)
    case .call(_, let call, _): call.visitNames { symbols.load($0) }
    case .filtered(let filters, _): Expression.visitNames(of: filters) { symbols.load($0) }
    case .with(let pairs, _, _): for pair in pairs { pair.value.visitNames { symbols.load($0) } }
    }
  }

  private func visitBranches(
    _ branches: ArraySlice<Branch>, _ otherwise: [Statement], _ symbols: Symbols
  ) {
    guard let first = branches.first else { return }
    first.test.visitNames { symbols.load($0) }
    let (taken, others, last) = (Symbols(of: symbols), Symbols(of: symbols), Symbols(of: symbols))
    for statement in first.body { visit(statement, taken) }
    for branch in branches.dropFirst() { visitBranches([branch], [], others) }
    for statement in otherwise { visit(statement, last) }
    symbols.merge([taken, others, last])
  }

  private func visit(_ target: Target, _ symbols: Symbols) {
    switch target {
    case .name(let name): symbols.store(name)
    case .attribute(let name, _, _): symbols.load(name)
    case .tuple(let items, _): for item in items { visit(item, symbols) }
    }
  }

  // MARK: Nested scopes

  private mutating func enter(_ statement: Statement, _ visible: Set<Name>) {
    switch statement {
    case .text, .output, .assign, .breakLoop, .continueLoop: break
    case .conditional(let branches, let otherwise):
      for branch in branches { for inner in branch.body { enter(inner, visible) } }
      for inner in otherwise { enter(inner, visible) }
    case .loop(let loop): enter(loop, visible)
    case .capture(_, let filters, let block, _):
      find(block, outer: visible)
      // The filters of a block are evaluated in the block's scope.
      addLoads(filters, to: block.scope, visible)
    case .filtered(let filters, let block):
      find(block, outer: visible)
      addLoads(filters, to: block.scope, visible)
    case .macro(let macro), .call(let macro, _, _): enter(macro, visible)
    case .generation(let block): find(block, outer: visible)
    case .with(let pairs, let block, _):
      find(block, outer: visible) { symbols in
        for pair in pairs { symbols.declare(pair.target) }
      }
    }
  }

  private mutating func addLoads(_ filters: [Postfix], to scope: Int, _ visible: Set<Name>) {
    var names: [Name] = []
    Expression.visitNames(of: filters) { names.append($0) }
    for name in names where !visible.contains(name) && scopes[scope].slots[name] == nil {
      scopes[scope].slots[name] = scopes[scope].names.count
      scopes[scope].names.append(name)
      scopes[scope].loads.append(.resolve)
    }
  }

  private mutating func enter(_ loop: Loop, _ visible: Set<Name>) {
    let name = self.loop
    find(loop.block, outer: visible) { symbols in
      symbols.declare(name)
      symbols.declare(loop.target)
    }
    find(loop.otherwise, outer: visible)
    if let test = loop.test {
      let symbols = Symbols(outer: visible)
      symbols.declare(loop.target)
      test.visitNames { symbols.load($0) }
      scopes[loop.testScope] = symbols.scope
    }
  }

  private mutating func enter(_ macro: Macro, _ visible: Set<Name>) {
    find(macro.block, outer: visible) { symbols in
      for parameter in macro.parameters { symbols.declare(parameter.name) }
      for parameter in macro.parameters {
        parameter.fallback?.visitNames { symbols.load($0) }
      }
      for name in macro.specialNames { symbols.declare(name) }
    }
  }
}
