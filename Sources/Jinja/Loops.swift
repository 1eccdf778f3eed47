import Support

/// The `loop` variable of a loop.
final class LoopState {
  private var cursor: Cursor
  private var knownLength: Int?
  private(set) var index = -1
  private var previous: Value?
  private var current: Value?
  /// The next item, read ahead; `.some(nil)` at the end.
  private var ahead: Value??
  private let depth: Int
  var lastChanged: [Value]?
  /// The loop that a call of `loop` renders recursively, and the frame around it.
  let recursion: (loop: Loop, frame: Frame)?

  init(_ cursor: Cursor, depth: Int, recursion: (loop: Loop, frame: Frame)?) {
    (self.cursor, self.depth, self.recursion) = (cursor, depth, recursion)
    knownLength = cursor.count
  }

  var level: Int { depth }

  func next() throws -> Value? {
    let item: Value?
    if let ahead {
      item = ahead
      self.ahead = nil
    } else {
      item = try cursor.next()
    }
    guard let item else { return nil }
    index += 1
    (previous, current) = (current, item)
    return item
  }

  private func peek() throws -> Value? {
    if let ahead { return ahead }
    let item = try cursor.next()
    ahead = .some(item)
    return item
  }

  func length() throws -> Int {
    if let knownLength { return knownLength }
    var rest: [Value] = []
    while let item = try cursor.next() { rest.append(item) }
    cursor = Cursor(.items(rest))
    var isAhead = false
    if case .some(.some) = ahead { isAhead = true }
    let length = rest.count + index + 1 + (isAhead ? 1 : 0)
    knownLength = length
    return length
  }

  func attribute(_ name: String) throws -> Value? {
    switch name {
    case "index": return .integer(index + 1)
    case "index0": return .integer(index)
    case "revindex": return .integer(try length() - index)
    case "revindex0": return .integer(try length() - index - 1)
    case "first": return .bool(index == 0)
    case "last": return .bool(try peek() == nil)
    case "length": return .integer(try length())
    case "depth": return .integer(depth + 1)
    case "depth0": return .integer(depth)
    case "previtem":
      return index == 0 ? .undefined(Undefined("there is no previous item")) : previous
    case "nextitem": return try peek() ?? .undefined(Undefined("there is no next item"))
    default: return nil
    }
  }
}

extension Renderer {
  func execute(_ loop: Loop) throws -> Flow {
    let iterable = try evaluate(loop.iterable)
    if loop.isRecursive {
      let text = try render(loop, over: iterable, depth: 0)
      try write(text.units)
      return .normal
    }
    return try run(loop, over: iterable, depth: 0, recursion: nil)
  }

  /// Renders a recursive loop over another iterable.
  func render(_ loop: Loop, over iterable: Value, depth: Int) throws -> Text {
    let outer = frame
    return try captured {
      _ = try nested { try run(loop, over: iterable, depth: depth, recursion: (loop, outer)) }
    }
  }

  private func run(
    _ loop: Loop, over iterable: Value, depth: Int, recursion: (loop: Loop, frame: Frame)?
  ) throws -> Flow {
    position = loop.position
    let state = LoopState(try filtered(loop, cursor(iterable)), depth: depth, recursion: recursion)
    let inner = Frame(program.scopes[loop.block.scope], outer: frame)
    inner.set(program.loop, try keep(.loop(state)))
    // The `else` branch runs unless one body ran to its end.
    var isComplete = false
    while let item = try state.next() {
      try step()
      let flow = try inFrame(inner) { frame in
        try assign(item, to: loop.target, loop.position)
        try enter(frame)
        return try execute(loop.block.body)
      }
      if flow == .breakLoop { break }
      if flow == .normal { isComplete = true }
    }
    guard !isComplete, !loop.otherwise.body.isEmpty else { return .normal }
    return try inFrame(loop.otherwise.scope) { frame in
      try enter(frame)
      return try execute(loop.otherwise.body)
    }
  }

  /// The items that pass the loop's `if`; each is tested when it is reached.
  private func filtered(_ loop: Loop, _ cursor: Cursor) throws -> Cursor {
    guard let test = loop.test else { return cursor }
    let outer = frame
    let inner = Frame(program.scopes[loop.testScope], outer: outer)
    var source = cursor
    return Cursor(
      .generator(
        Generator(depth: 1) { [unowned self] in
          while let item = try source.next() {
            try self.step()
            let isWanted = try self.inFrame(inner) { frame in
              try self.assign(item, to: loop.target, loop.position)
              try self.enter(frame)
              return try self.isTrue(self.evaluate(test))
            }
            if isWanted { return item }
          }
          return nil
        }))
  }
}
