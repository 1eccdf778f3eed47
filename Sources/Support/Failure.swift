/// An error that a person can act on: what is wrong, where, and what to do.
public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The class of an error; its raw value is the process's exit code.
  public enum Kind: Int32, Sendable, CaseIterable {
    case failed = 1
    case usage = 64
    case badData = 65
    case outOfMemory = 69
    case cannotCreate = 73
    case inputOutput = 74
    case busy = 75
    case interrupted = 130
  }

  /// A stable name of an error, for programs: it stays when the text changes. A new one is a line here.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// A file does not exist.
    public static let notFound = Code(rawValue: "not_found")
    /// Stored hashes, sizes or values of a file contradict its contents.
    public static let damagedFile = Code(rawValue: "damaged_file")
    /// A text is no JSON.
    public static let invalidJSON = Code(rawValue: "invalid_json")
    /// A prompt, alone or with its answer, has more tokens than the context.
    public static let contextExceeded = Code(rawValue: "context_exceeded")
    /// A model of another kind, with another tokenizer or another architecture is needed.
    public static let wrongModel = Code(rawValue: "wrong_model")
    /// Answers are still to be ranked by people.
    public static let ranksMissing = Code(rawValue: "ranks_missing")
  }

  public var kind: Kind
  /// nil for an error that its kind says enough of.
  private var specificCode: Code?
  /// What is wrong, as a clause without a full stop: "the reward model is not normalised".
  public var what: String
  /// Where: a file, a line or byte in it, a tensor.
  public var place: String?
  /// What to do about it, as an imperative sentence.
  public var remedy: String?

  public init(
    _ kind: Kind, _ what: String, at place: String? = nil, remedy: String? = nil, code: Code? = nil
  ) {
    self.kind = kind
    specificCode = code
    self.what = what
    self.place = place
    self.remedy = remedy
  }

  /// Takes back the error's own code, where it speaks for errors with other codes too.
  mutating func dropCode() { specificCode = nil }

  /// The stable name of this error: its own, or its kind's.
  public var code: Code { specificCode ?? kind.code }

  /// Adds a place to the failures of `body` that have none.
  public static func locating<T>(_ place: @autoclosure () -> String, _ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch var failure as Failure where failure.place == nil {
      failure.place = place()
      throw failure
    }
  }

  /// Replaces the remedy of `body`'s failures of kind `.badData`.
  public static func advising<T>(
    _ remedy: @autoclosure () -> String, _ body: () throws -> T
  ) throws -> T {
    do {
      return try body()
    } catch var failure as Failure where failure.kind == .badData {
      failure.remedy = remedy()
      throw failure
    }
  }

  /// One line: `place: what. Remedy`
  public var description: String {
    var text = place.map { "\($0): \(what)" } ?? what
    if let remedy { text += ". \(remedy)" }
    return text
  }
}

extension Failure {
  /// Whether two failures say the same to people.
  public static func == (left: Failure, right: Failure) -> Bool {
    left.kind == right.kind && left.what == right.what && left.place == right.place && left.remedy == right.remedy
  }
}

extension Failure.Kind {
  /// The code of errors that have none of their own.
  public var code: Failure.Code {
    switch self {
    case .failed: Failure.Code(rawValue: "failed")
    case .usage: Failure.Code(rawValue: "usage")
    case .badData: Failure.Code(rawValue: "bad_data")
    case .outOfMemory: Failure.Code(rawValue: "out_of_memory")
    case .cannotCreate: Failure.Code(rawValue: "cannot_create")
    case .inputOutput: Failure.Code(rawValue: "input_output")
    case .busy: Failure.Code(rawValue: "busy")
    case .interrupted: Failure.Code(rawValue: "interrupted")
    }
  }
}

extension Failure: Encodable {
  private enum CodingKeys: String, CodingKey {
    case code, message, place, remedy
    case exitCode = "exit_code"
  }

  /// As programs read an error: its stable code, its exit code and its texts.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(code.rawValue, forKey: .code)
    try container.encode(kind.rawValue, forKey: .exitCode)
    try container.encode(what, forKey: .message)
    try container.encode(place, forKey: .place)
    try container.encode(remedy, forKey: .remedy)
  }
}
