import Dialogues
import Support

/// A record that becomes tokens.
public protocol Tokenizable: Sendable {
  /// The token sequences made from a record.
  associatedtype Tokens: Sendable
  /// The token sequences of the record, including special tokens.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot represent.
  func tokens(_ tokenizer: Tokenizer) throws -> Tokens
  /// The token count of each sequence.
  static func counts(_ tokens: Tokens) -> [Int]
  /// The keys of the record that the tokenizer's chat template does not read.
  func unread(by tokenizer: Tokenizer) -> [String]
}

/// A record and its tokens. A row becomes tokens when it is read; counts and training use these.
public struct Tokenized<Record: Tokenizable>: Sendable {
  public let record: Record
  public let tokens: Record.Tokens

  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot represent.
  public init(_ record: Record, _ tokenizer: Tokenizer) throws {
    self.record = record
    tokens = try record.tokens(tokenizer)
  }

  /// The token count of each sequence.
  public var counts: [Int] { Record.counts(tokens) }

  /// The token count of the longest sequence.
  public var longest: Int { counts.max() ?? 0 }
}

extension Array where Element: Tokenizable {
  /// The records with their tokens, made on several threads.
  /// - Throws: `Failure(.badData)` for the first dialogue that the chat format cannot represent.
  public func tokenized(_ tokenizer: Tokenizer, threads: Int) throws -> [Tokenized<Element>] {
    try Parallel.map(count, threads: threads, as: "encoding") { try Tokenized(self[$0], tokenizer) }
  }
}

extension Prompt: Tokenizable {
  public func tokens(_ tokenizer: Tokenizer) throws -> [Int32] { try tokenizer.encode(prompt: self) }

  public static func counts(_ tokens: [Int32]) -> [Int] { [tokens.count] }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(self) }
}

extension Demonstration: Tokenizable {
  /// The prompt and its answer are one sequence; a dialogue is one or several.
  public func tokens(_ tokenizer: Tokenizer) throws -> [LearntTokens] { try tokenizer.encode(self) }

  public static func counts(_ tokens: [LearntTokens]) -> [Int] { tokens.map(\.tokens.count) }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(prompt, answers: [answer]) }
}

extension Comparison: Tokenizable {
  /// The prompt with each answer.
  public func tokens(_ tokenizer: Tokenizer) throws -> [[Int32]] { try tokenizer.encode(self) }

  public static func counts(_ tokens: [[Int32]]) -> [Int] { tokens.map(\.count) }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(prompt, answers: answers) }
}

/// A document.
extension String: Tokenizable {
  public func tokens(_ tokenizer: Tokenizer) -> [Int32] { tokenizer.encode(document: self) }

  public static func counts(_ tokens: [Int32]) -> [Int] { [tokens.count] }

  public func unread(by tokenizer: Tokenizer) -> [String] { [] }
}
