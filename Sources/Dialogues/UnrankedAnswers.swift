import Support

/// Several answers to one prompt that have no ranks yet: a line of `sample`, and what people and programs are asked to
/// rank. With `"ranks"` added, it is a comparison.
public struct UnrankedAnswers: Sendable {
  public let prompt: Prompt
  public let completions: [String]
  /// The name of the model that wrote the answers.
  public let policy: String

  public init(prompt: Prompt, completions: [String], policy: String) {
    self.prompt = prompt
    self.completions = completions
    self.policy = policy
  }

  /// The line without its end.
  public var line: [UInt8] {
    JSON.write(
      .object([
        "completions": .array(completions.map { .string($0) }), "policy": .string(policy), "prompt": prompt.json,
      ]))
  }
}
