import Support

/// Tests look metrics up by their names.
extension Metric: ExpressibleByStringLiteral {
  public init(stringLiteral name: String) { self.init(name) }
}
