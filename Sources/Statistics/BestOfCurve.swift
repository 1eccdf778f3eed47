/// The expected result of best-of-n for every n ≤ N, from N answers to each prompt. The expectation over all subsets of
/// n answers is computed exactly, without sampling (Nakano et al. 2021, appendix I; Gao et al. 2022).
public struct BestOfCurve {
  public struct Answer {
    public var proxy: Double
    public var gold: Double
    /// Whether the answer ended. An answer that was cut ranks below all answers that ended.
    public var ended: Bool

    public init(proxy: Double, gold: Double, ended: Bool = true) {
      self.proxy = proxy
      self.gold = gold
      self.ended = ended
    }
  }

  /// [prompt][answer]; each prompt's answers are sorted from the worst to the best by proxy.
  private let prompts: [[Answer]]

  public init(_ prompts: [[Answer]]) {
    self.prompts = prompts.map { answers in
      answers.enumerated().sorted {
        ($0.element.ended ? 1 : 0, $0.element.proxy, $0.offset)
          < ($1.element.ended ? 1 : 0, $1.element.proxy, $1.offset)
      }.map(\.element)
    }
  }

  /// The expected proxy and gold reward of the best of `n` answers by proxy, averaged over prompts.
  public func expectation(_ n: Int) -> Answer {
    var sum = Answer(proxy: 0, gold: 0)
    for answers in prompts {
      let weights = Self.weights(n, of: answers.count)
      for (weight, answer) in zip(weights, answers) {
        sum.proxy += weight * answer.proxy
        sum.gold += weight * answer.gold
      }
    }
    let count = Double(max(1, prompts.count))
    return Answer(proxy: sum.proxy / count, gold: sum.gold / count)
  }

  /// The probability of each answer, from the worst to the best of `count`, to be the best of `n` answers drawn without
  /// replacement: C(i − 1, n − 1)/C(count, n) for the i-th answer.
  static func weights(_ n: Int, of count: Int) -> [Double] {
    precondition(n >= 1 && n <= count, "best of \(n) of \(count)")
    var weights = [Double](repeating: 0, count: count)
    var weight = Double(n) / Double(count)
    for i in stride(from: count, through: n, by: -1) {
      weights[i - 1] = weight
      weight *= Double(i - n) / Double(max(1, i - 1))
    }
    return weights
  }
}
