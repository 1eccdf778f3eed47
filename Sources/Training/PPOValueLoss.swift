import Support

/// PPO's clipped value loss, token by token.
///
///     v̂    = clip(v, v_old − ε, v_old + ε)
///     loss = c · ½·max((v − R)², (v̂ − R)²)
///
/// The sum is divided by the minibatch's token count, as in `PPOPolicyLoss`.
public struct PPOValueLoss: Sendable {
  public let clipRange: Double
  /// c, `--vf-coef`.
  public let coefficient: Double
  public let tokens: Int
  public private(set) var sums = Sums()

  public init(clipRange: Double = 0.2, coefficient: Double = 0.1, tokens: Int) {
    precondition(clipRange > 0 && tokens > 0, "clip range \(clipRange), \(tokens) tokens")
    self.clipRange = clipRange
    self.coefficient = coefficient
    self.tokens = tokens
  }

  /// Adds one token and returns ∂(minibatch loss)/∂value, including the coefficient.
  /// - Parameters:
  ///   - value: v of this update.
  ///   - oldValue: v before this iteration's first update.
  ///   - target: R, the return.
  public mutating func add(value: Float, oldValue: Float, target: Float) -> Float {
    let (v, old, R) = (Double(value), Double(oldValue), Double(target))
    let kept = min(max(v, old - clipRange), old + clipRange)
    let unclipped = (v - R) * (v - R)
    let clipped = (kept - R) * (kept - R)
    sums.count += 1
    sums.loss += 0.5 * max(unclipped, clipped)
    sums.clipped += clipped > unclipped ? 1 : 0
    sums.value += v
    return clipped > unclipped ? 0 : Float(coefficient * (v - R) / Double(tokens))
  }

  /// The minibatch's loss so far, including the coefficient.
  public var loss: Double { coefficient * sums.loss / Double(tokens) }

  /// Sums over tokens in float64. The sums of several minibatches can be added.
  public struct Sums: Equatable, Sendable {
    public internal(set) var count = 0
    var loss = 0.0
    var clipped = 0
    var value = 0.0

    public init() {}

    public static func += (left: inout Sums, right: Sums) {
      left.count += right.count
      left.loss += right.loss
      left.clipped += right.clipped
      left.value += right.value
    }

    private func mean(_ sum: Double) -> Double { count == 0 ? 0 : sum / Double(count) }

    /// ½·mean of the larger squared error, without the coefficient.
    public var meanLoss: Double { mean(loss) }
    /// Share of tokens at which the clip is active.
    public var clipFraction: Double { mean(Double(clipped)) }
    public var meanValue: Double { mean(value) }

    /// Means over the tokens.
    public var metrics: [Metric: Double] {
      [
        Metric("loss/value_avg", better: .lower): meanLoss,
        Metric("val/clipfrac_avg", unit: "share of tokens"): clipFraction,
        Metric("val/value_avg", unit: "reward"): meanValue,
      ]
    }
  }
}
