import Support

/// Metrics that several stages log.
extension Metric {
  public static let learningRate = Metric("lr")
  public static let gradientNorm = Metric("gradient_norm")

  /// A language model's loss on the data that it learns from.
  public static let trainingLoss = Metric(
    "loss/train", unit: "nats per token", better: .lower, chart: .init("Loss", place: 10, line: "training"))
  /// A language model's loss on held-out data.
  public static let validationLoss = Metric(
    "loss/validation", unit: "nats per token", better: .lower,
    chart: .init("Loss", place: 11, line: "validation", colour: "second", isMarked: true))
}
