/// A share with its 95 % interval.
public struct Proportion: Codable, Equatable, Sendable {
  public let value: Double
  public let low: Double
  public let high: Double
  public let count: Int

  /// Wilson's score interval, which stays inside 0…1 and means something for small counts:
  ///
  ///     (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n),   z = 1.96
  ///
  /// - Parameter successes: may be fractional, where a tie counts half.
  public init(successes: Double, of count: Int) {
    precondition(
      successes >= 0 && successes <= Double(count), "\(successes) successes of \(count)")
    self.count = count
    guard count > 0 else {
      (value, low, high) = (0, 0, 1)
      return
    }
    let n = Double(count)
    let p = successes / n
    let z = 1.959963984540054
    let middle = p + z * z / (2 * n)
    let reach = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    value = p
    low = max(0, (middle - reach) / (1 + z * z / n))
    high = min(1, (middle + reach) / (1 + z * z / n))
  }
}
