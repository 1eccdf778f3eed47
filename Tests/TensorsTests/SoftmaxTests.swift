import CKernels
import Foundation
import Testing

@Suite struct SoftmaxTests {
  /// lse, logprob, entropy.
  private func logSoftmax(
    _ logits: [Float], targets: [Int32], _ t: Float, _ s: Setting
  ) -> [Float] {
    let rows = targets.count
    let input = s.floats(logits)
    let (lse, logprob, entropy) = (s.zeros(rows), s.zeros(rows), s.zeros(rows))
    targets.withUnsafeBufferPointer {
      s.run(
        tk_log_softmax,
        tk_log_softmax_args(
          rows: Int64(rows), vocabulary: Int64(logits.count / rows), logits: input.readOnly,
          inverse_temperature: t, targets: $0.baseAddress, lse: lse.pointer,
          logprob: logprob.pointer, entropy: entropy.pointer))
    }
    return lse.values + logprob.values + entropy.values
  }

  private func reference(_ logits: [Double], targets: [Int32], _ t: Double) -> [Double] {
    let rows = targets.count, width = logits.count / rows
    var lse: [Double] = [], logprob: [Double] = [], entropy: [Double] = []
    for row in 0..<rows {
      let z = logits[row * width..<(row + 1) * width].map { $0 * t }
      let top = z.max()!
      let l = top + log(z.reduce(0) { $0 + exp($1 - top) })
      lse.append(l)
      logprob.append(z[Int(targets[row])] - l)
      entropy.append(z.reduce(0) { $1 == -.infinity ? $0 : $0 - exp($1 - l) * ($1 - l) })
    }
    return lse + logprob + entropy
  }

  private func targets(_ rows: Int, below vocabulary: Int) -> [Int32] {
    (0..<rows).map { Int32($0 * 37 % vocabulary) }
  }

  @Test("log-sum-exp, log-probability and entropy are their definitions, for every tail")
  func forwardIsTheDefinition() {
    for vocabulary in Array(1...70) + [1024, 5003] {
      for t: Float in [1, 0.7] {
        let x = normals(5 * vocabulary, "logits").map { $0 * 4 }
        let chosen = targets(5, below: vocabulary)
        let got = everywhere { logSoftmax(x, targets: chosen, t, $0) }
        let want = reference(doubles(x), targets: chosen, Double(t))
        expectClose(got, want, 2e-6, "vocabulary \(vocabulary)")
      }
    }
  }

  @Test("logits of −∞ have no weight, and very large logits do not overflow")
  func extremes() {
    var x = normals(3 * 40, "logits")
    for i in stride(from: 1, to: 40, by: 2) { x[i] = -.infinity }
    for i in 40..<80 { x[i] = x[i] * 10 + 1e6 }
    for i in 80..<120 { x[i] = i == 100 ? 0 : -.infinity }
    let chosen: [Int32] = [4, 0, 20]
    let got = everywhere { logSoftmax(x, targets: chosen, 1, $0) }
    expectClose(got, reference(doubles(x), targets: chosen, 1), 2e-6)
    #expect(got[5] == 0 && got[8] == 0, "a certain token costs nothing and has no entropy")
  }

  @Test("the gradient equals finite differences")
  func backwardIsTheGradient() {
    for vocabulary in [1, 2, 17, 70] {
      let rows = 3, t: Float = 0.8
      let x = normals(rows * vocabulary, "logits"), d = normals(rows, "d")
      let chosen = targets(rows, below: vocabulary)
      let got = everywhere { s in
        let lse = s.floats(Array(logSoftmax(x, targets: chosen, t, s).prefix(rows)))
        let (logits, bd) = (s.floats(x), s.floats(d))
        chosen.withUnsafeBufferPointer {
          s.run(
            tk_log_softmax_backward,
            tk_log_softmax_backward_args(
              rows: Int64(rows), vocabulary: Int64(vocabulary), logits: logits.pointer,
              inverse_temperature: t, targets: $0.baseAddress, lse: lse.readOnly,
              d_logprob: bd.readOnly))
        }
        return logits.values
      }
      let want = slopes(
        of: {
          dot(doubles(d), Array(reference($0, targets: chosen, Double(t))[rows..<(2 * rows)]))
        }, at: doubles(x))
      expectClose(got, want, 1e-6, "vocabulary \(vocabulary)")
    }
  }

  /// tokens, then logprobs.
  private func sample(_ logits: [Float], uniform: [Float], _ t: Float, _ s: Setting) -> [Float] {
    let rows = uniform.count
    let (input, u, logprob) = (s.floats(logits), s.floats(uniform), s.zeros(rows))
    var tokens = [Int32](repeating: -1, count: rows)
    tokens.withUnsafeMutableBufferPointer {
      s.run(
        tk_sample,
        tk_sample_args(
          rows: Int64(rows), vocabulary: Int64(logits.count / rows), logits: input.readOnly,
          inverse_temperature: t, uniform: u.readOnly, tokens: $0.baseAddress,
          logprob: logprob.pointer))
    }
    return tokens.map(Float.init) + logprob.values
  }

  @Test("a draw is the first token whose cumulative weight exceeds uniform·total")
  func drawing() {
    let rows = 400
    for vocabulary in [1, 3, 16, 37, 200] {
      let x = normals(rows * vocabulary, "logits").map { $0 * 2 }
      let u = (0..<rows).map { Float($0) / Float(rows) }
      let got = everywhere { sample(x, uniform: u, 0.9, $0) }
      var decided = 0
      for row in 0..<rows {
        let weights = x[row * vocabulary..<(row + 1) * vocabulary].map { exp(0.9 * Double($0)) }
        let bound = Double(u[row]) * weights.reduce(0, +)
        var sum = 0.0
        var token = 0
        for (i, w) in weights.enumerated() {
          sum += w
          token = i
          if sum > bound { break }
        }
        let margin = min(sum - bound, bound - (sum - weights[token])) / weights.reduce(0, +)
        guard margin > 1e-6 || u[row] == 0 else { continue }  // rounding of weights may decide
        decided += 1
        #expect(Int(got[row]) == token)
      }
      #expect(decided > rows * 9 / 10)
    }
  }

  @Test("the drawn token's logprob has the bits that log-softmax gives it")
  func logprobsAgree() {
    let rows = 30, vocabulary = 77
    let x = normals(rows * vocabulary, "logits"), u = (0..<rows).map { Float($0) / 30 }
    for t: Float in [1, 0.5] {
      let got = everywhere { sample(x, uniform: u, t, $0) }
      let tokens = got.prefix(rows).map { Int32($0) }
      let again = logSoftmax(x, targets: tokens, t, Setting())
      #expect(Array(got.suffix(rows)) == Array(again[rows..<(2 * rows)]))
    }
  }

  @Test("a logit of −∞ is never drawn, at either end of the uniform range")
  func impossibleTokens() {
    let row: [Float] = [-.infinity, -.infinity, 1, -.infinity, 2, -.infinity]
    let u: [Float] = [0, 0.1, 0.5, 0.9, 1 - 0x1p-24]
    let rows = Array(repeating: row, count: u.count).flatMap { $0 }
    let got = everywhere { sample(rows, uniform: u, 1, $0) }
    #expect(Array(got.prefix(5)) == [2, 2, 4, 4, 4])
  }

  @Test("inverse temperature 0 takes the arg max, the lowest among equals, at temperature 1")
  func greedy() {
    let x: [Float] = [1, 3, 2, 3, 5, 5, 5, 5, -.infinity, -2, -1, -1]
    let got = everywhere { sample(x, uniform: [0.9, 0.9, 0.9], 0, $0) }
    #expect(Array(got.prefix(3)) == [1, 0, 2])
    let want = reference(doubles(x), targets: [1, 0, 2], 1)
    expectClose(Array(got.suffix(3)), Array(want[3..<6]), 1e-6)
  }
}
