import Dialogues

/// A record that uses tokens of the context.
public protocol TokenCounted: Sendable {
  /// The token count of each sequence made from the record, including special tokens.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot represent.
  func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int]
  /// The keys of the record that the tokenizer's chat template does not read.
  func unread(by tokenizer: Tokenizer) -> [String]
}

extension Prompt: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    [try tokenizer.encode(prompt: self).count]
  }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(self) }
}

extension Demonstration: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    try tokenizer.encode(self).map(\.tokens.count)
  }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(prompt, answers: [answer]) }
}

extension Comparison: TokenCounted {
  /// The prompt with each answer.
  public func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int] {
    try tokenizer.encode(self).map(\.count)
  }

  public func unread(by tokenizer: Tokenizer) -> [String] { tokenizer.unread(prompt, answers: answers) }
}

/// A document.
extension String: TokenCounted {
  public func tokenCounts(_ tokenizer: Tokenizer) -> [Int] { [tokenizer.encode(document: self).count] }

  public func unread(by tokenizer: Tokenizer) -> [String] { [] }
}

extension TokenCounted {
  /// The token count of the longest sequence.
  /// - Throws: the same errors as `tokenCounts`.
  public func tokenCount(_ tokenizer: Tokenizer) throws -> Int { try tokenCounts(tokenizer).max() ?? 0 }

  /// Whether the record leaves `reserve` tokens of the context free.
  /// - Throws: the same errors as `tokenCounts`.
  public func fits(context: Int, reserve: Int = 0, tokenizer: Tokenizer) throws -> Bool {
    precondition(reserve >= 0 && reserve < context, "\(reserve) of \(context) tokens reserved")
    return try tokenCount(tokenizer) + reserve <= context
  }
}
