import Support

/// A learning rate over the steps of a run: a linear warm-up, then constant, linear or cosine.
public struct Schedule: Codable, Equatable, Sendable {
  public enum Shape: String, Codable, CaseIterable, Sendable { case constant, linear, cosine }

  public var shape: Shape
  public var peak: Double
  /// Final rate of linear and cosine, as a fraction of the peak.
  public var floor: Double
  /// Steps before the peak.
  public var warmup: Int
  /// First rate of the warm-up, as a fraction of the peak.
  public var warmupStart: Double

  public init(
    _ shape: Shape, peak: Double, floor: Double = 0.1, warmup: Int = 0, warmupStart: Double = 0.1
  ) {
    precondition(warmup >= 0, "warmup \(warmup) is negative")
    self.shape = shape
    self.peak = peak
    self.floor = floor
    self.warmup = warmup
    self.warmupStart = warmupStart
  }

  /// The learning rate of step `step`, counted from 0, in a run of `total` steps.
  ///
  ///     warm-up: peak · (start + (1 − start)·step/warmup)
  ///     after:   p = (step − warmup)/(total − warmup), at most 1
  ///     linear:  peak · (1 − (1 − floor)·p)
  ///     cosine:  peak · (floor + (1 − floor)·½(1 + cos πp))
  ///
  /// The rate reaches the floor at step `total`, the first step that does not run.
  public func learningRate(step: Int, total: Int) -> Float {
    precondition(step >= 0, "step \(step) is negative")
    return Float(peak * fraction(step: step, total: total))
  }

  private func fraction(step: Int, total: Int) -> Double {
    if step < warmup { return warmupStart + (1 - warmupStart) * Double(step) / Double(warmup) }
    let progress = min(1, Double(step - warmup) / Double(max(1, total - warmup)))
    switch shape {
    case .constant: return 1
    case .linear: return 1 - (1 - floor) * progress
    case .cosine: return floor + (1 - floor) * 0.5 * (1 + DeterministicMath.cosinePi(progress))
    }
  }
}
