/// An error that a person can act on: what is wrong, where, and what to do.
public struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
  /// The class of an error; its raw value is the process's exit code.
  public enum Kind: Int32, Sendable {
    case failed = 1
    case usage = 64
    case badData = 65
    case outOfMemory = 69
    case cannotCreate = 73
    case inputOutput = 74
    case busy = 75
    case interrupted = 130
  }

  public var kind: Kind
  /// What is wrong, as a clause without a full stop: "the reward model is not normalised".
  public var what: String
  /// Where: a file, a line or byte in it, a tensor.
  public var place: String?
  /// What to do about it, as an imperative sentence.
  public var remedy: String?

  public init(_ kind: Kind, _ what: String, at place: String? = nil, remedy: String? = nil) {
    self.kind = kind
    self.what = what
    self.place = place
    self.remedy = remedy
  }

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
