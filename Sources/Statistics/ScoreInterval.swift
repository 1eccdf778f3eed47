/// The 95 % interval of a share of wins in which a tie counts half, by Tango's score test.
///
/// The limits are the extreme shares that a score test at 5 % does not reject. For a difference θ of the probabilities
/// to win and to lose, and n comparisons of which b are won and c are lost, they satisfy
///
///     |b − c − nθ| = z·√(n·(2q + θ·(1 − θ))),   z = 1.96
///
/// where q is the maximum-likelihood probability to lose under θ; the share is (1 + θ)/2. Without ties this is Wilson's
/// interval. It stays inside 0…1, is valid for few comparisons, and has a width at 0, at 1 and if all comparisons
/// tie. Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
/// paired-sample design", Statistics in Medicine 17; Wilson 1927.
public enum ScoreInterval {
  static let z = 1.959963984540054

  /// - Parameters:
  ///   - wins, losses: shares of the comparisons; the rest up to 1 are ties.
  ///   - n: number of comparisons, or the effective number of independent comparisons. For 0 the interval is 0…1.
  public static func bounds(wins: Double, losses: Double, of n: Double) -> (low: Double, high: Double) {
    precondition(wins >= 0 && losses >= 0 && wins + losses <= 1 + 1e-9, "\(wins) won, \(losses) lost")
    guard n > 0 else { return (0, 1) }
    // A win of one side is a loss of the other, so the upper limit follows from the other side's lower limit.
    return (lowest(wins: wins, losses: losses, of: n), 1 - lowest(wins: losses, losses: wins, of: n))
  }

  /// The lower limit of the share, by bisection.
  private static func lowest(wins: Double, losses: Double, of n: Double) -> Double {
    let difference = wins - losses
    var (refused, kept) = (-1.0, difference)
    guard kept > refused else { return 0 }
    for _ in 0..<60 {
      let middle = (refused + kept) / 2
      let distance = difference - middle
      if n * distance * distance > z * z * variance(middle, wins: wins, losses: losses) {
        refused = middle
      } else {
        kept = middle
      }
    }
    return max(0, (1 + kept) / 2)
  }

  /// The variance of (win − loss) in one comparison if the probabilities to win and to lose differ by `theta`.
  private static func variance(_ theta: Double, wins: Double, losses: Double) -> Double {
    let b = (2 - wins + losses) * theta - wins - losses
    let root = max(0, b * b + 8 * losses * theta * (1 - theta)).squareRoot()
    let likeliest = (root - b) / 4
    return max(0, 2 * likeliest + theta * (1 - theta))
  }
}
