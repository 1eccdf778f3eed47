import Support

/// How the next token is chosen.
public struct SamplingOptions: Equatable, Sendable {
  /// 0 chooses the most probable token.
  public var temperature: Float = 1
  /// Sample from the k most probable tokens only; 0 for all.
  public var topK: Int = 0
  /// Sample from the smallest set of tokens whose probabilities sum to at least p; 1 for all.
  public var topP: Float = 1
  public var maxNewTokens: Int = 64
  /// Tokens that end an answer.
  public var endTokens: [Int32] = []

  public init() {}

  /// Below this temperature only the most probable token has a probability above 0, and logits divided by the
  /// temperature overflow float32.
  private static let coldest: Float = 1e-20

  /// 1/temperature; 0 means: choose the most probable token.
  var inverseTemperature: Float { temperature < Self.coldest ? 0 : 1 / temperature }
  var truncates: Bool { topK > 0 || topP < 1 }

  /// - Throws: `Failure(.usage)` with the name of the invalid option.
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
  /// Sets the logits that top-k and top-p exclude to −∞. Of tied logits, those with the smaller token ids are kept.
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
