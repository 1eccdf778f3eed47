import Support

/// How the next token is chosen.
public struct SamplingOptions: Equatable, Sendable {
  /// 0 takes the most probable token.
  public var temperature: Float = 1
  /// Only the k most probable tokens; 0 for all.
  public var topK: Int = 0
  /// Only the fewest tokens whose probabilities sum to at least p; 1 for all.
  public var topP: Float = 1
  public var maxNewTokens: Int = 64
  /// Each of them ends an answer.
  public var endTokens: [Int32] = []

  public init() {}

  /// Below it no token has a probability but the most probable, and its logits over the temperature are beyond
  /// float32.
  private static let coldest: Float = 1e-20

  /// 0 for the most probable token.
  var inverseTemperature: Float { temperature < Self.coldest ? 0 : 1 / temperature }
  var truncates: Bool { topK > 0 || topP < 1 }

  /// - Throws: `Failure(.usage)` naming the option.
  public func validate() throws {
    func require(_ condition: Bool, _ what: String) throws {
      if !condition { throw Failure(.usage, what, remedy: "Choose another value.") }
    }
    try require(
      temperature.isFinite && temperature >= 0, "--temperature \(temperature) is not 0 or above")
    try require(topK >= 0, "--top-k \(topK) is below 0")
    try require(topP > 0 && topP <= 1, "--top-p \(topP) is not in (0, 1]")
    try require(maxNewTokens > 0, "--max-new-tokens \(maxNewTokens) is not above 0")
  }
}

extension SamplingOptions {
  /// Sets to −∞ what top-k and top-p leave out. Ties are kept in order of token id.
  func truncate(_ logits: UnsafeMutableBufferPointer<Float>) {
    var order = Array(logits.indices)
    order.sort { logits[$0] != logits[$1] ? logits[$0] > logits[$1] : $0 < $1 }
    var kept = topK > 0 ? min(topK, order.count) : order.count
    if topP < 1 {
      let scale = Double(inverseTemperature > 0 ? inverseTemperature : 1)
      let top = Double(logits[order[0]])
      let weights = order[..<kept].map { DeterministicMath.exp((Double(logits[$0]) - top) * scale) }
      let total = weights.reduce(0, +)
      var sum = 0.0
      for (rank, weight) in weights.enumerated() {
        sum += weight
        if sum >= Double(topP) * total {
          kept = rank + 1
          break
        }
      }
    }
    for index in order[kept...] { logits[index] = -.infinity }
  }
}
