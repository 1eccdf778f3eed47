import Support

/// Gold reward as a function of the distance d = √KL from the initial model, in the forms of Gao et al. 2022
/// (arXiv 2210.10760, section 3.1):
///
///     best-of-n               R(d) = d·(α − β·d)
///     reinforcement learning  R(d) = d·(α − β·log d)
///
/// R is the gold reward minus the gold reward at d = 0. Both forms are linear in α and β, which are fitted by
/// least squares.
public struct GoldCurve: Codable, Equatable, Sendable {
  public enum Form: String, Codable, Sendable {
    case bestOfN, reinforcement

    /// The factors of α and −β: d and d², or d and d·log d (0 at d = 0).
    func terms(_ d: Double) -> (Double, Double) {
      guard d > 0 else { return (0, 0) }
      return (d, self == .bestOfN ? d * d : d * DeterministicMath.log(d))
    }
  }

  public let form: Form
  public let alpha: Double
  public let beta: Double
  /// Root mean square of the residuals.
  public let residual: Double
  /// 1 − Σ(R − fit)²/Σ(R − mean)²; nil if gold does not vary.
  public let rSquared: Double?
  /// The largest KL of the points.
  public let reach: Double

  /// Fits the curve to points (KL in nats, gold reward minus that at KL 0). A KL estimate below 0 counts as 0.
  /// Nil if the points have fewer than two different distances above 0.
  public init?(_ form: Form, kl: [Double], gold: [Double]) {
    precondition(kl.count == gold.count, "\(kl.count) distances, \(gold.count) rewards")
    let terms = kl.map { form.terms(max(0, $0).squareRoot()) }
    var (aa, ab, bb, ay, by) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for ((a, b), y) in zip(terms, gold) {
      aa += a * a
      ab += a * b
      bb += b * b
      ay += a * y
      by += b * y
    }
    let determinant = aa * bb - ab * ab
    // Below this, the two terms are proportional up to rounding.
    guard determinant > 1e-12 * aa * bb else { return nil }
    self.form = form
    alpha = (ay * bb - by * ab) / determinant
    beta = (ay * ab - by * aa) / determinant
    reach = kl.reduce(0, max)
    let mean = gold.reduce(0, +) / Double(gold.count)
    var (left, total) = (0.0, 0.0)
    for ((a, b), y) in zip(terms, gold) {
      let difference = y - (alpha * a - beta * b)
      left += difference * difference
      total += (y - mean) * (y - mean)
    }
    residual = (left / Double(gold.count)).squareRoot()
    rSquared = total > 0 ? 1 - left / total : nil
  }

  /// The fitted gold reward at a KL.
  public func gold(atKL kl: Double) -> Double {
    let (a, b) = form.terms(max(0, kl).squareRoot())
    return alpha * a - beta * b
  }

  /// The KL at which the fitted gold reward is highest: d = α/2β, or d = e^(α/β − 1). Nil if the curve still
  /// rises at the largest KL of the points.
  public var peakKL: Double? {
    guard beta > 0 else { return nil }
    let d =
      form == .bestOfN
      ? max(0, alpha / (2 * beta)) : DeterministicMath.exp(alpha / beta - 1)
    return d * d <= reach ? d * d : nil
  }
}
