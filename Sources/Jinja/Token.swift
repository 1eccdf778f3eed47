import Support

/// A position in the template, counted from 1; columns count code points.
struct Position: Sendable {
  var line: Int32
  var column: Int32
}

struct Token {
  enum Kind: Equatable {
    case data(Text)
    case variableBegin, variableEnd, blockBegin, blockEnd
    case name(String), string(Text), integer(Int), float(Double)
    case `operator`(String)
    case end
  }
  var kind: Kind
  var position: Position

  /// The token as shown in errors.
  var shown: String {
    switch kind {
    case .data: "text"
    case .variableBegin: "'{{'"
    case .variableEnd: "'}}'"
    case .blockBegin: "'{%'"
    case .blockEnd: "'%}'"
    case .name(let name): "'\(name)'"
    case .string: "a string"
    case .integer, .float: "a number"
    case .operator(let sign): "'\(sign)'"
    case .end: "the end of the template"
    }
  }
}

extension Failure {
  /// A failure of kind `.badData` at a position in the template `name`.
  static func template(_ what: String, in name: String, at position: Position, code: Code? = nil) -> Failure {
    Failure(.badData, what, at: "\(name):\(position.line):\(position.column)", code: code)
  }
}
