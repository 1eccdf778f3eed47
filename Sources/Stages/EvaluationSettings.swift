import Evaluation

extension EvaluationOptions {
  public init(_ settings: Settings) {
    self.init(
      prompts: settings.count(.evaluationPrompts), samples: settings.count(.evaluationSamples),
      documents: settings.count(.evaluationDocuments), responseLength: settings.count(.responseLength))
  }
}
