import Dialogues

/// A record that takes up tokens of a context.
public protocol TokenCounted: Sendable {
  /// The tokens of each sequence that becomes of it, with the special tokens.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot write.
  func tokenCounts(_ tokenizer: Tokenizer) throws -> [Int]
  /// What it says that the tokenizer's chat template does not read, each by its key.
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
  /// The tokens of the longest sequence.
  /// - Throws: as `tokenCounts`.
  public func tokenCount(_ tokenizer: Tokenizer) throws -> Int { try tokenCounts(tokenizer).max() ?? 0 }

  /// Whether this leaves `reserve` tokens of the context free.
  /// - Throws: as `tokenCounts`.
  public func fits(context: Int, reserve: Int = 0, tokenizer: Tokenizer) throws -> Bool {
    precondition(reserve >= 0 && reserve < context, "\(reserve) of \(context) tokens reserved")
    return try tokenCount(tokenizer) + reserve <= context
  }
}
