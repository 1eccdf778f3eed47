/// Numbers of any size, as found in files and options: conversions and sums that never trap.
extension Int {
  /// The nearest `Int`; 0 for NaN.
  public init(nearest value: Double) {
    self = Int(exactly: value.rounded()) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
  }

  /// The sum, clamped to the range of `Int`.
  public func adding(atMost other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other < 0 ? .min : .max) : sum
  }

  /// The product of counts, each at least 0; nil if it does not fit into an `Int`.
  public static func product(_ factors: [Int]) -> Int? {
    var result = 1
    for factor in factors {
      let (product, overflows) = result.multipliedReportingOverflow(by: factor)
      if overflows { return nil }
      result = product
    }
    return result
  }
}
