/// A prompt and the answer that a good labeler would write; or a dialogue, all of whose answers are.
public struct Demonstration: Codable, Equatable, Hashable, Sendable {
  public var prompt: Prompt
  public var completion: String
  /// Turns of the prompt that are learnt too, by number: the earlier answers of a dialogue. Nil where the
  /// completion is all that is learnt.
  public var learntTurns: [Int]?

  public init(prompt: Prompt, completion: String, learntTurns: [Int]? = nil) {
    self.prompt = prompt
    self.completion = completion
    self.learntTurns = learntTurns
  }
}
