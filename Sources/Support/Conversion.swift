/// Numbers of any size, as files and options have them: conversions and sums that never trap.
extension Int {
  /// The nearest `Int`; 0 for NaN.
  public init(nearest value: Double) {
    self = Int(exactly: value.rounded()) ?? (value.isNaN ? 0 : value < 0 ? .min : .max)
  }

  /// The sum, or the nearest `Int` to it.
  public func adding(atMost other: Int) -> Int {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? (other < 0 ? .min : .max) : sum
  }

  /// The product of counts, none of them below 0; nil where no `Int` holds it.
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
