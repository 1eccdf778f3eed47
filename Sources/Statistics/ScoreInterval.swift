/// The 95 % interval of a share of wins in which a tie counts half, by Tango's score test.
///
/// The limits are the shares that a score test at 5 % just does not refuse: for a difference θ of the chances to
/// win and to lose, and n comparisons of which b were won and c lost,
///
///     |b − c − nθ| = z·√(n·(2q + θ·(1 − θ))),   z = 1.96
///
/// where q is the chance to lose that is likeliest under θ; the share is (1 + θ)/2. Without ties this is Wilson's
/// interval. It stays inside 0…1, means something for few comparisons, and has a width at 0, at 1 and where all
/// tie. Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
/// paired-sample design", Statistics in Medicine 17; Wilson 1927.
public enum ScoreInterval {
  static let z = 1.959963984540054

  /// - Parameters:
  ///   - wins, losses: shares of the comparisons; what is left of 1 are ties.
  ///   - n: comparisons, or as many independent ones as these are worth. None tell nothing: 0…1.
  public static func bounds(wins: Double, losses: Double, of n: Double) -> (low: Double, high: Double) {
    precondition(wins >= 0 && losses >= 0 && wins + losses <= 1 + 1e-9, "\(wins) won, \(losses) lost")
    guard n > 0 else { return (0, 1) }
    // What one wins the other loses: the upper limit is the lower one of the other side.
    return (lowest(wins, losses, n), 1 - lowest(losses, wins, n))
  }

  /// The lower limit of the share, by bisection.
  private static func lowest(_ wins: Double, _ losses: Double, _ n: Double) -> Double {
    let difference = wins - losses
    var (refused, kept) = (-1.0, difference)
    guard kept > refused else { return 0 }
    for _ in 0..<60 {
      let middle = (refused + kept) / 2
      let distance = difference - middle
      if n * distance * distance > z * z * variance(middle, wins, losses) {
        refused = middle
      } else {
        kept = middle
      }
    }
    return max(0, (1 + kept) / 2)
  }

  /// Of one comparison's win less its loss where the chances differ by `theta`.
  private static func variance(_ theta: Double, _ wins: Double, _ losses: Double) -> Double {
    let b = (2 - wins + losses) * theta - wins - losses
    let root = max(0, b * b + 8 * losses * theta * (1 - theta)).squareRoot()
    let likeliest = (root - b) / 4
    return max(0, 2 * likeliest + theta * (1 - theta))
  }
}
