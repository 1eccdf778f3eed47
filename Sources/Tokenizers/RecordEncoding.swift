import Dialogues

extension Tokenizer {
  /// The sequences to learn from a demonstration, each up to its last learnt answer.
  /// - Throws: `Failure(.badData)` for a dialogue that the chat format cannot represent.
  public func encode(_ demonstration: Demonstration) throws -> [LearntTokens] {
    let (prompt, answer) = (demonstration.prompt, demonstration.answer)
    if answer.isContinuation, demonstration.learntTurns == nil {
      let tokens = try encode(prompt: prompt)
      let completion = encode(completion: answer.content)
      return [
        LearntTokens(
          tokens: tokens + completion, learnt: [tokens.count..<tokens.count + completion.count])
      ]
    }
    var dialogue = prompt
    dialogue.turns.append(answer)
    return try encode(
      dialogue: dialogue, learning: (demonstration.learntTurns ?? []) + [prompt.turns.count])
  }

  /// The prompt with each answer, up to the answer's end.
  /// - Throws: the same errors as for demonstrations.
  public func encode(_ comparison: Comparison) throws -> [[Int32]] {
    // A message is rendered together with its prompt.
    let sharesPrompt = comparison.answers.contains(where: \.isContinuation)
    let prompt = sharesPrompt ? try encode(prompt: comparison.prompt) : []
    return try comparison.answers.map { answer in
      answer.isContinuation
        ? prompt + encode(completion: answer.content) : try encode(comparison.prompt, answer: answer).tokens
    }
  }

  /// The keys of a dialogue that the chat template does not read: `tools`, `messages[].reasoning_content`. The
  /// built-in format refuses such a dialogue instead.
  public func unread(_ prompt: Prompt, answers: [Turn] = []) -> [String] {
    guard let template = chatFormat.template else { return [] }
    return template.unread(prompt, answers)
  }
}
