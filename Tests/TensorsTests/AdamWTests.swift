import CKernels
import Foundation
import Testing

@Suite struct AdamWTests {
  private let rate: Float = 1e-2, beta1: Float = 0.9, beta2: Float = 0.95, epsilon: Float = 1e-5
  private let decay: Float = 0.1, scale: Float = 0.5

  /// p, m, v after `steps` steps.
  private func steps(_ count: Int, _ n: Int, tensorflow: Bool, _ s: Setting) -> [Float] {
    let (p, m, v) = (s.floats(normals(n, "p")), s.zeros(n), s.zeros(n))
    for step in 1...count {
      let g = s.floats(normals(n, "g\(step)"))
      s.run(
        tk_adamw,
        tk_adamw_args(
          count: Int64(n), p: p.pointer, m: m.pointer, v: v.pointer, g: g.readOnly,
          learning_rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weight_decay: decay,
          correction1: Float(1 - pow(Double(beta1), Double(step))),
          correction2: Float(1 - pow(Double(beta2), Double(step))),
          gradient_scale: scale, tensorflow_form: tensorflow ? 1 : 0))
    }
    return p.values + m.values + v.values
  }

  private func reference(_ count: Int, _ n: Int, tensorflow: Bool) -> [Double] {
    var p = doubles(normals(n, "p")), m = p.map { _ in 0.0 }, v = m
    let (b1, b2, e) = (Double(beta1), Double(beta2), Double(epsilon))
    for step in 1...count {
      let c1 = 1 - pow(b1, Double(step)), c2 = 1 - pow(b2, Double(step))
      for (i, raw) in normals(n, "g\(step)").enumerated() {
        let g = Double(raw) * Double(scale)
        m[i] = b1 * m[i] + (1 - b1) * g
        v[i] = b2 * v[i] + (1 - b2) * g * g
        let update = tensorflow
          ? c2.squareRoot() / c1 * m[i] / (v[i].squareRoot() + e)
          : m[i] / c1 / ((v[i] / c2).squareRoot() + e)
        p[i] -= Double(rate) * (Double(decay) * p[i] + update)
      }
    }
    return p + m + v
  }

  @Test("ten steps equal the definition in float64, in both forms", arguments: [false, true])
  func definition(tensorflow: Bool) {
    for n in [1, 7, 16, 70, 1000] {
      let got = everywhere { steps(10, n, tensorflow: tensorflow, $0) }
      expectClose(got, reference(10, n, tensorflow: tensorflow), 1e-6, "n \(n)")
    }
  }

  @Test("every tail length gives what the same element gives in a long vector")
  func tails() {
    let long = everywhere { steps(1, 70, tensorflow: false, $0) }
    for n in 1...70 {
      let got = everywhere { steps(1, n, tensorflow: false, $0) }
      #expect(Array(got.prefix(n)) == Array(long.prefix(n)))
    }
  }

  @Test("the two forms differ early and only by where ε stands")
  func formsDiffer() {
    #expect(
      steps(1, 50, tensorflow: false, Setting()) != steps(1, 50, tensorflow: true, Setting()))
  }
}
