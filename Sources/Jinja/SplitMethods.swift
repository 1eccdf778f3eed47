import Support

extension Methods {
  private static func split(fromEnd: Bool) -> Builtin {
    Builtin("sep", "maxsplit") { renderer, value, passed in
      let text = try renderer.text(value)
      try renderer.chargeText(text.count)
      let given = try renderer.integer(passed[1], or: -1)
      let limit = given < 0 ? Int.max : given
      guard let separator = try renderer.optionalText(passed[0]) else {
        return try renderer.list(fromEnd ? text.wordsFromEnd(limit: limit) : text.words(limit: limit))
      }
      if separator.isEmpty { throw renderer.failure("the separator is empty") }
      return try renderer.list(
        fromEnd
          ? text.splitFromEnd(separator, limit: limit) : text.split(separator, limit: limit))
    }
  }

  private static func partition(fromEnd: Bool) -> Builtin {
    Builtin("", required: 1) { renderer, value, passed in
      let (text, separator) = (try renderer.text(value), try renderer.text(passed[0]))
      try renderer.chargeText(text.count)
      if separator.isEmpty { throw renderer.failure("the separator is empty") }
      let empty = Value.text(text.with([]))
      guard let place = fromEnd ? text.findLast(separator) : text.find(separator, from: 0) else {
        return .tuple(fromEnd ? [empty, empty, .text(text)] : [.text(text), empty, empty])
      }
      let end = place + separator.count
      return .tuple([
        .text(text.slice(0..<place)), .text(text.slice(place..<end)),
        .text(text.slice(end..<text.count)),
      ])
    }
  }

  static let splits: [String: Builtin] = [
    "split": split(fromEnd: false), "rsplit": split(fromEnd: true),
    "partition": partition(fromEnd: false), "rpartition": partition(fromEnd: true),
    "splitlines": Builtin("keepends") { renderer, value, passed in
      let text = try renderer.text(value)
      try renderer.chargeText(text.count)
      return try renderer.list(text.lines(keepsEnds: renderer.isTrue(passed[0] ?? .bool(false))))
    },
  ]
}

extension Renderer {
  fileprivate func list(_ texts: [Text]) throws -> Value {
    try charge(texts.count)
    return .list(texts.map { .text($0) })
  }
}
