import Support

/// The comparison of two answers to the same prompt, and the difference of their lengths.
public struct Contest: Equatable, Sendable {
  public let outcome: Outcome
  /// The length of our answer minus that of theirs, in any unit that is the same for all contests.
  public let extraLength: Int

  public init(_ outcome: Outcome, extraLength: Int) {
    self.outcome = outcome
    self.extraLength = extraLength
  }
}

/// The win rate that two models would have if their answers had the same length, as in AlpacaEval 2
/// (Dubois et al. 2024, arXiv 2404.04475).
///
///     P(ours wins) = σ(θ + φ·tanh(Δ/s))
///
/// Δ is the difference of the lengths, and s is the standard deviation of all Δ. θ and φ are fitted by
/// logistic regression in which a tie counts as half a win. The length-controlled win rate is σ(θ).
/// AlpacaEval adds a term for each instruction's difficulty; estimating it needs many models.
public struct LengthControl: Codable, Equatable, Sendable {
  /// σ(θ), with its interval from a bootstrap over prompts.
  public let winRate: Interval
  /// The win rate without length control.
  public let uncontrolled: Interval
  /// φ: above 0 if longer answers win more often.
  public let lengthEffect: Interval
  /// s, in the unit of the lengths.
  public let scale: Double

  /// The loss includes the penalty ½·ridge·(θ² + φ²), which keeps the fit finite if one model always wins. It changes a
  /// win rate over a hundred prompts by less than 0.001.
  static let ridge = 0.01

  /// - Parameter contests: the contests of each prompt. Each prompt has the same weight; prompts without contests are
  ///   left out. The result is nil if no prompt is left.
  public init?(_ contests: [[Contest]], resamples: Int = 500, seed: UInt64) {
    let prompts = contests.filter { !$0.isEmpty }
    guard !prompts.isEmpty else { return nil }
    let scale = Self.deviation(prompts)
    let rows = prompts.map { prompt in
      prompt.map { contest in
        Row(
          length: scale > 0 ? Self.tanh(Double(contest.extraLength) / scale) : 0,
          points: contest.outcome.points, weight: 1 / Double(prompt.count))
      }
    }
    let fit = Fit(rows.flatMap { $0 })
    var stream = RandomStream(seed: seed, purpose: "statistics/length-control")
    let work = Work("fitting resamples", of: resamples)
    defer { work.end() }
    let fits = (0..<resamples).map { _ in
      defer { work.advance() }
      return Fit(rows.indices.flatMap { _ in rows[stream.below(rows.count)] })
    }
    self.scale = scale
    winRate = Bootstrap.interval(
      DeterministicMath.sigmoid(fit.model), fits.map { DeterministicMath.sigmoid($0.model) })
    lengthEffect = Bootstrap.interval(fit.length, fits.map(\.length))
    uncontrolled = Bootstrap.mean(
      prompts.map { $0.reduce(0) { $0 + $1.outcome.points } / Double($0.count) }, seed: seed)
  }

  /// The standard deviation of the differences in length; each prompt has the same weight.
  private static func deviation(_ prompts: [[Contest]]) -> Double {
    func mean(_ value: (Double) -> Double) -> Double {
      prompts.reduce(0) { sum, prompt in
        sum + prompt.reduce(0) { $0 + value(Double($1.extraLength)) } / Double(prompt.count)
      } / Double(prompts.count)
    }
    let middle = mean { $0 }
    return mean { ($0 - middle) * ($0 - middle) }.squareRoot()
  }

  /// tanh x = 2σ(2x) − 1
  private static func tanh(_ x: Double) -> Double { 2 * DeterministicMath.sigmoid(2 * x) - 1 }
}

/// One contest as a row of the regression.
private struct Row {
  let length: Double
  let points: Double
  let weight: Double
}

/// Logistic regression with two coefficients, by Newton's method.
private struct Fit {
  /// θ
  var model = 0.0
  /// φ
  var length = 0.0

  init(_ rows: [Row]) {
    var loss = self.loss(rows)
    // The loss is strictly convex, so every step reduces it. About thirty steps would already be many.
    for _ in 0..<100 {
      var step = newtonStep(rows)
      var next = self
      repeat {
        next.model = model - step.model
        next.length = length - step.length
        step = (step.model / 2, step.length / 2)
      } while next.loss(rows) > loss && abs(step.model) + abs(step.length) > 1e-14
      let fall = loss - next.loss(rows)
      guard fall > 0 else { return }
      self = next
      loss -= fall
    }
  }

  /// The negative log-likelihood plus the ridge penalty.
  private func loss(_ rows: [Row]) -> Double {
    rows.reduce(0.5 * LengthControl.ridge * (model * model + length * length)) { sum, row in
      let score = model + length * row.length
      return sum + row.weight * (DeterministicMath.softplus(score) - row.points * score)
    }
  }

  /// The inverse Hessian times the gradient.
  private func newtonStep(_ rows: [Row]) -> (model: Double, length: Double) {
    var gradient = (LengthControl.ridge * model, LengthControl.ridge * length)
    var (mm, ml, ll) = (LengthControl.ridge, 0.0, LengthControl.ridge)
    for row in rows {
      let p = DeterministicMath.sigmoid(model + length * row.length)
      gradient.0 += row.weight * (p - row.points)
      gradient.1 += row.weight * (p - row.points) * row.length
      let curvature = row.weight * p * (1 - p)
      mm += curvature
      ml += curvature * row.length
      ll += curvature * row.length * row.length
    }
    let determinant = mm * ll - ml * ml
    return (
      (gradient.0 * ll - gradient.1 * ml) / determinant,
      (gradient.1 * mm - gradient.0 * ml) / determinant
    )
  }
}
