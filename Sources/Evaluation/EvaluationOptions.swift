/// How many held-out prompts and documents an evaluation uses, and how long answers may be.
public struct EvaluationOptions: Sendable {
  public var prompts: Int
  /// Answers per prompt.
  public var samples: Int
  public var documents: Int
  /// Maximum number of tokens of an answer.
  public var responseLength: Int

  public init(prompts: Int, samples: Int, documents: Int, responseLength: Int) {
    self.prompts = prompts
    self.samples = samples
    self.documents = documents
    self.responseLength = responseLength
  }
}
