import Support

/// The functions that are available in every template.
enum Globals {
  static let names = Set(table.keys)
  static let refused: Set<String> = ["lipsum"]
  /// The length of the longest range, as in jinja2's sandbox.
  private static let longestRange = 100_000

  static let table: [String: Builtin] = [
    "range": Builtin("", "", "", required: 1) { renderer, _, passed in
      let first = try renderer.integer(passed[0], or: 0)
      let step = try renderer.integer(passed[2], or: 1)
      if step == 0 { throw renderer.failure("the step of a range is zero") }
      let range = try Value.IntegerRange(
        start: passed[1] == nil ? 0 : first,
        stop: passed[1].map { try renderer.integer($0, or: 0) } ?? first, step: step)
      // The number of steps between more distant bounds cannot be computed.
      guard max(range.start.magnitude, range.stop.magnitude, step.magnitude) < 1 << 60,
        range.count <= longestRange
      else { throw renderer.failure("the range is too long") }
      return .range(range)
    },
    "dict": Builtin(variadic: { renderer, _, passed in .mapping(try renderer.dictionary(passed)) }),
    "namespace": Builtin(variadic: { renderer, _, passed in
      let attributes = try renderer.dictionary(passed)
      for case .text(let name) in attributes.keys where name.string.hasPrefix("_") {
        throw renderer.failure(
          "the attribute '\(name.string)' of a namespace begins with an underscore")
      }
      return try renderer.keep(.namespace(Namespace(attributes)))
    }),
    "cycler": Builtin(variadic: { renderer, _, passed in
      guard !passed.positional.isEmpty, passed.keywords.isEmpty else {
        throw renderer.failure("'cycler' needs values")
      }
      return try renderer.keep(.cycler(Cycler(passed.positional)))
    }),
    "joiner": Builtin("sep") { renderer, _, passed in
      try renderer.keep(.joiner(Joiner(passed[0] ?? .text(", "))))
    },
    "raise_exception": Builtin("message", required: 1) { renderer, _, passed in
      throw renderer.failure("the chat template says: \(try renderer.string(passed[0]!).string)")
    },
    "strftime_now": Builtin("format", required: 1) { renderer, _, passed in
      guard let date = renderer.date else {
        throw renderer.failure("the template asks for the date, and none is given")
      }
      return .text(try date.formatted(renderer.text(passed[0]), renderer))
    },
  ]
}

extension Renderer {
  /// Python's `dict` of the arguments.
  fileprivate func dictionary(_ passed: Passed) throws -> Mapping {
    var mapping = Mapping()
    guard passed.positional.count <= 1 else { throw failure("'dict' takes at most one argument") }
    switch passed.positional.first {
    case nil: break
    case .mapping(let other)?: mapping = other
    case let value?:
      for pair in try items(value) {
        let parts = try items(pair)
        guard parts.count == 2 else { throw failure("'dict' needs pairs") }
        mapping.set(try key(parts[0]), original: parts[0], to: parts[1])
      }
    }
    try charge(mapping.count + passed.keywords.count)
    for keyword in passed.keywords { mapping[keyword.name] = keyword.value }
    _ = try requireDepth(.mapping(mapping))
    return mapping
  }
}
