/// A prompt and the answer that a good labeler would write.
public struct Demonstration: Codable, Equatable, Hashable, Sendable {
  public var prompt: Prompt
  public var completion: String

  public init(prompt: Prompt, completion: String) {
    self.prompt = prompt
    self.completion = completion
  }
}
