import Testing

@testable import Statistics

@Suite struct BestOfCurveTests {
  @Test("the chances of being the best of n are a distribution, and those of counting all subsets")
  func weights() {
    for count in 1...9 {
      for n in 1...count {
        let weights = BestOfCurve.weights(n, of: count)
        #expect(abs(weights.reduce(0, +) - 1) < 1e-12, "\(n) of \(count)")
        let subsets = (0..<(1 << count)).filter { $0.nonzeroBitCount == n }
        for i in 0..<count {
          // The best of a subset is its highest member.
          let best = subsets.count { $0 >> i == 1 }
          #expect(
            abs(weights[i] - Double(best) / Double(subsets.count)) < 1e-12, "\(i), \(n) of \(count)")
        }
      }
    }
  }

  @Test("best of one is the mean, best of all is the best by proxy, whatever its gold")
  func ends() {
    let curve = BestOfCurve([
      [.init(proxy: 3, gold: 0.1), .init(proxy: 1, gold: 0.9), .init(proxy: 2, gold: 0.5)],
      [.init(proxy: 0, gold: 0.2), .init(proxy: 5, gold: 0.8), .init(proxy: 1, gold: 0.5)],
    ])
    #expect(abs(curve.expectation(1).gold - 0.5) < 1e-12)
    #expect(abs(curve.expectation(1).proxy - 2) < 1e-12)
    #expect(abs(curve.expectation(3).gold - 0.45) < 1e-12)
    #expect(abs(curve.expectation(3).proxy - 4) < 1e-12)
    #expect(curve.expectation(2).proxy > curve.expectation(1).proxy)
  }
}
