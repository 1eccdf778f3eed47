import Datasets
import Dialogues
import Support
import Tokenizers

extension Request {
  /// The keys of the request that the chat template does not read.
  func unread(by tokenizer: Tokenizer) -> [String] {
    prompt.map { tokenizer.unread($0, answers: answer.map { [$0] } ?? []) } ?? []
  }

  /// Marks the keys that the chat template does not read as unused in `fields`; returns the request unchanged.
  func naming(_ fields: RowFields, _ tokenizer: Tokenizer) -> Request {
    for key in unread(by: tokenizer) { fields.ignore(inner: key) }
    return self
  }

  /// The prompt's tokens.
  /// - Throws: `Failure(.badData)` if there is no prompt, or if its token ids are not valid.
  func promptTokens(_ tokenizer: Tokenizer, at place: String) throws -> [Int32] {
    try Self.tokens(
      given: promptTokens, encoded: try prompt.map { try tokenizer.encode(prompt: $0) }, name: "prompt", tokenizer,
      at: place)
  }

  /// The tokens of the prompt and of the answer. An answer that is given as text gets its end token.
  /// - Throws: `Failure(.badData)` if they are together longer than the context.
  func sequence(_ tokenizer: Tokenizer, context: Int, at place: String) throws
    -> (prompt: [Int32], completion: [Int32])
  {
    let (prompt, completion) = try parts(tokenizer, at: place)
    let count = prompt.count + completion.count
    guard count <= context else {
      throw Failure(
        .badData, "prompt and completion have \(count) tokens, the context \(context)", at: place,
        remedy: "Shorten them; texts are never truncated.", code: .contextExceeded)
    }
    return (prompt, completion)
  }

  private func parts(
    _ tokenizer: Tokenizer, at place: String
  ) throws -> (prompt: [Int32], completion: [Int32]) {
    // The chat template has to render an answer message together with its prompt.
    if let answer, !answer.isContinuation, let prompt, promptTokens == nil, answerTokens == nil {
      let answered = try tokenizer.encode(prompt, answer: answer)
      let start = answered.learnt.first?.lowerBound ?? answered.tokens.count
      return (Array(answered.tokens[..<start]), Array(answered.tokens[start...]))
    }
    return (
      try promptTokens(tokenizer, at: place),
      try Self.tokens(
        given: answerTokens, encoded: answer.map { tokenizer.encode(completion: $0.content) }, name: "completion",
        tokenizer, at: place)
    )
  }

  private static func tokens(
    given: [Int32]?, encoded: [Int32]?, name: String, _ tokenizer: Tokenizer, at place: String
  ) throws -> [Int32] {
    if let given { try tokenizer.check(given, at: place) }
    guard let tokens = given ?? encoded else { throw missing(name) }
    if let given, let encoded, given != encoded {
      throw Failure(
        .badData, "\"\(name)\" and \"\(name)_tokens\" are not the same tokens", at: place,
        remedy: "Give one of them.")
    }
    guard !tokens.isEmpty else {
      throw Failure(
        .badData, "the \(name) has no tokens", at: place, remedy: "Give it at least one.")
    }
    return tokens
  }
}
