import Support

/// How gold reward goes with the distance d = √KL from the model that optimisation began with, in
/// the forms of Gao et al. 2022 (arXiv 2210.10760, section 3.1):
///
///     best-of-n               R(d) = d·(α − β·d)
///     reinforcement learning  R(d) = d·(α − β·log d)
///
/// R is counted from the gold reward at d = 0. Both forms are linear in α and β, which are found by
/// least squares.
public struct GoldCurve: Codable, Equatable, Sendable {
  public enum Form: String, Codable, Sendable {
    case bestOfN, reinforcement

    /// What α and −β are multiplied by: d and d², or d and d·log d, which is 0 at d = 0.
    func terms(_ d: Double) -> (Double, Double) {
      guard d > 0 else { return (0, 0) }
      return (d, self == .bestOfN ? d * d : d * DeterministicMath.log(d))
    }
  }

  public let form: Form
  public let alpha: Double
  public let beta: Double
  /// Root of the mean square of what the curve leaves unexplained.
  public let residual: Double
  /// 1 − Σ(R − fit)²/Σ(R − mean)²; nil where gold does not vary.
  public let rSquared: Double?
  /// The KL of the farthest point.
  public let reach: Double

  /// The curve through points of (KL in nats, gold reward less that at KL 0); an estimate of KL below
  /// 0 counts as 0. Nil when fewer than two distances above 0 are given.
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
    // Below this the two terms are one and the same up to rounding.
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

  /// The KL at which the fitted gold is highest: d = α/2β, or d = e^(α/β − 1). Nil when it still
  /// rises at the farthest point.
  public var peakKL: Double? { peak(within: reach) }

  private func peak(within reach: Double) -> Double? {
    guard beta > 0 else { return nil }
    let d =
      form == .bestOfN
      ? max(0, alpha / (2 * beta)) : DeterministicMath.exp(alpha / beta - 1)
    return d * d <= reach ? d * d : nil
  }
}

extension GoldCurve {
  /// 95 % intervals of a curve's figures.
  public struct Uncertainty: Codable, Equatable, Sendable {
    public let alpha: Interval
    public let beta: Interval
    /// In what share of the resamples gold peaks within reach of the points.
    public let peakShare: Double
    /// Bounds of the peak's KL, where resamples that do not peak count as peaking beyond reach;
    /// nil is beyond.
    public let peakLow: Double?
    public let peakHigh: Double?
  }

  /// The figures' intervals by drawing points with replacement; resamples of which no curve can be
  /// made are left out. Nil where the points themselves give no curve.
  public static func uncertainty(
    _ form: Form, kl: [Double], gold: [Double], resamples: Int = 2_000, seed: UInt64
  ) -> Uncertainty? {
    guard let whole = GoldCurve(form, kl: kl, gold: gold) else { return nil }
    var stream = RandomStream(seed: seed, purpose: "statistics/gold-curve")
    let curves = (0..<resamples).compactMap { _ in
      let drawn = kl.indices.map { _ in stream.below(kl.count) }
      return GoldCurve(form, kl: drawn.map { kl[$0] }, gold: drawn.map { gold[$0] })
    }
    guard !curves.isEmpty else { return nil }
    let peaks = curves.map { curve in
      // A resample may miss the farthest point, but is asked about the same range.
      curve.peak(within: whole.reach) ?? .infinity
    }.sorted()
    // No mean of neighbours here: one of them may be infinite.
    let bound = { (share: Double) in
      let peak = peaks[Int((share * Double(peaks.count - 1)).rounded())]
      return peak.isFinite ? peak : nil
    }
    return Uncertainty(
      alpha: Bootstrap.interval(whole.alpha, curves.map(\.alpha)),
      beta: Bootstrap.interval(whole.beta, curves.map(\.beta)),
      peakShare: Double(peaks.count { $0.isFinite }) / Double(peaks.count),
      peakLow: bound(0.025), peakHigh: bound(0.975))
  }
}
