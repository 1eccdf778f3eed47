import Support

/// A chat template in the language of jinja2, with the additions of `transformers`: `tojson` without HTML escapes,
/// `raise_exception`, `strftime_now`, and blocks that mark what the assistant generates.
public struct Template: Sendable {
  public let source: String
  public let name: String
  /// Whether the template contains `{% generation %}`.
  public let hasGeneration: Bool
  /// The names that the template reads but does not set: `messages`, `tools` and so on.
  public let variables: Set<String>
  /// The names of all attributes and items that the template reads, such as `tool_calls`.
  public let attributes: Set<String>
  let program: Program

  /// - Throws: `Failure(.badData)` at "name:line:column" for a syntax error, and for a statement, filter, test,
  ///   function or method that the renderer does not support.
  public init(_ source: String, name: String, limits: Limits = .init()) throws {
    self.source = source
    self.name = name
    var parser = try Parser(source, name: name, limits: limits)
    let root = try parser.parse()
    let loop = parser.symbol("loop")
    var finder = ScopeFinder(count: parser.scopeCount, loop: loop)
    finder.find(root, outer: [])
    program = Program(name: name, names: parser.names, scopes: finder.scopes, root: root, loop: loop)
    hasGeneration = parser.hasGeneration
    let survey = Survey(program)
    try survey.requireKnown()
    variables = survey.variables
    attributes = survey.attributes
  }

  /// Renders the template. Scalars of the caller's texts keep their origins through every operation.
  ///
  /// - Throws: `Failure(.badData)` with the message of `raise_exception`, for errors that Python would raise, and for
  ///   an exceeded limit.
  public func render(
    _ variables: [(String, Value)], limits: Limits = .init(), date: CalendarDate? = nil
  ) throws -> Text {
    try render(Mapping(variables), limits: limits, date: date)
  }

  public func render(
    _ variables: Mapping, limits: Limits = .init(), date: CalendarDate? = nil
  ) throws -> Text {
    let renderer = Renderer(program, variables: variables, limits: limits, date: date)
    defer { renderer.finish() }
    return try renderer.render()
  }
}

/// A template that is ready to render.
struct Program: Sendable {
  let name: String
  let names: Names
  let scopes: [Scope]
  let root: Block
  let loop: Name
}
