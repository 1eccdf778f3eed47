import CKernels
import Foundation
import Testing

@Suite struct VectorMathTests {
  private func map(_ kernel: Setting.Kernel, _ x: [Float], _ setting: Setting) -> [Float] {
    let input = setting.floats(x), output = setting.zeros(x.count)
    setting.run(
      kernel, tk_map_args(count: Int64(x.count), x: input.readOnly, y: output.pointer))
    return output.values
  }

  /// Every `step`-th float from one bit pattern to another.
  private func sweep(_ from: Float, _ to: Float, step: Int) -> [Float] {
    stride(from: from.bitPattern, through: to.bitPattern, by: step).map(Float.init(bitPattern:))
  }

  private func worstError(_ got: [Float], _ want: [Double]) -> Double {
    zip(got, want).map { abs(Double($0) - $1) / Double(Float($1).ulp) }.max() ?? .infinity
  }

  private func check(
    _ kernel: @escaping Setting.Kernel, _ x: [Float], _ exact: (Double) -> Double,
    below bound: Double,
    at location: SourceLocation = #_sourceLocation
  ) {
    let got = everywhere(parts: [1, 3], at: location) { map(kernel, x, $0) }
    let worst = worstError(got, x.map { exact(Double($0)) })
    #expect(worst < bound, sourceLocation: location)
  }

  @Test("exp is within 1.1 units in the last place of exact wherever it is normal")
  func expIsAccurate() {
    check(tk_exp, sweep(0x1p-30, 88.722, step: 3001), exp, below: 1.1)
    check(tk_exp, sweep(-0x1p-30, -87.336, step: 3001), exp, below: 1.1)
  }

  @Test("log is within 1.1 units in the last place for every positive normal number")
  func logIsAccurate() {
    check(tk_log, sweep(0x1p-126, .greatestFiniteMagnitude, step: 9001), log, below: 1.1)
    check(tk_log, sweep(0.7, 1.5, step: 97), log, below: 1.1)
  }

  @Test("the logistic function is within 2.5 units in the last place")
  func logisticIsAccurate() {
    let exact: (Double) -> Double = { 1 / (1 + exp(-$0)) }
    check(tk_logistic, sweep(0x1p-30, 80, step: 5001), exact, below: 2.5)
    check(tk_logistic, sweep(-0x1p-30, -80, step: 5001), exact, below: 2.5)
  }

  /// tanh is a cap of 1.
  private func tanhKernel(_ x: [Float]) -> [Float] {
    everywhere(parts: [1, 3]) { s in
      let input = s.floats(x), output = s.zeros(x.count)
      s.run(
        tk_cap,
        tk_cap_args(count: Int64(x.count), x: input.readOnly, y: output.pointer, scale: 1, cap: 1))
      return output.values
    }
  }

  @Test("tanh is within 1.5 units in the last place, near 0 too, and odd")
  func tanhIsAccurate() {
    let x = [Float.leastNonzeroMagnitude] + sweep(0x1p-140, 0x1p-12, step: 30011) + sweep(0x1p-12, 10, step: 997)
    let got = tanhKernel(x)
    #expect(worstError(got, x.map { tanh(Double($0)) }) < 1.5)
    #expect(tanhKernel(x.map(-)) == got.map(-))
  }

  @Test("tanh of 0 is 0 with its sign, of large numbers and infinities ±1, of NaN NaN")
  func tanhAtTheEnds() {
    let y = tanhKernel([0, -0.0, 9.5, -9.5, 1e30, -1e30, .infinity, -.infinity, .nan])
    #expect(y.prefix(2).map(\.bitPattern) == [0, 1 << 31])
    #expect(Array(y[2..<8]) == [1, -1, 1, -1, 1, -1])
    #expect(y[8].isNaN)
  }

  @Test("exp of 0 is 1, of −∞ and very negative numbers 0, of large numbers ∞, of NaN NaN")
  func expAtTheEnds() {
    let x: [Float] = [0, -0.0, -.infinity, -1e30, -104, -88, 89, 1e30, .infinity, .nan]
    let y = everywhere { map(tk_exp, x, $0) }
    #expect(Array(y.prefix(9)) == [1, 1, 0, 0, 0, 0, .infinity, .infinity, .infinity])
    #expect(y[9].isNaN)
  }

  @Test("log of 1 is exactly 0, and the logistic function reaches 0, ½ and 1")
  func exactPoints() {
    #expect(everywhere { map(tk_log, [1], $0) } == [0])
    #expect(everywhere { map(tk_logistic, [-200, 0, 200], $0) } == [0, 0.5, 1])
  }

  @Test("every tail length gives what the same element gives in a long vector")
  func tails() {
    let x = normals(70, "tails")
    let long = everywhere { map(tk_exp, x, $0) }
    for n in 1...70 {
      #expect(everywhere { map(tk_exp, Array(x.prefix(n)), $0) } == Array(long.prefix(n)))
    }
  }
}
