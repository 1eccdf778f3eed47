import CKernels
import Foundation
import Testing

@Suite struct ActivationTests {
  private func gelu(_ x: Double) -> Double {
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  private func exactGELU(_ x: Double) -> Double { 0.5 * x * erfc(-x / 2.0.squareRoot()) }

  private func swiglu(_ x: [Double], width: Int) -> [Double] {
    (0..<(x.count / 2)).map { i in
      let at = i / width * 2 * width + i % width
      return x[at] / (1 + exp(-x[at])) * x[at + width]
    }
  }

  @Test("GELU is its definition, over all tails and a wide range", arguments: [false, true])
  func geluIsTheDefinition(exact: Bool) {
    for n in Array(1...70) + [5000] {
      let x = n == 5000 ? (0..<n).map { Float($0) * 0.004 - 10 } : normals(n, "x").map { $0 * 3 }
      let got = everywhere { s in
        let y = s.floats(x)
        s.run(tk_gelu, tk_gelu_args(count: Int64(n), x: y.readOnly, y: y.pointer, exact: exact ? 1 : 0))
        return y.values
      }
      expectClose(got, x.map { (exact ? exactGELU : gelu)(Double($0)) }, 5e-7, "\(n)")
    }
  }

  @Test("exact GELU keeps its digits where it is almost 0: no cancellation, and no bad value far out")
  func geluFarOut() {
    let x: [Float] = stride(from: -12, through: 0, by: 0.01).map { Float($0) }
    let edges: [Float] = [-3e38, -100, -16.5, 100, 3e38]
    let got = everywhere { s in
      let y = s.floats(x + edges)
      s.run(
        tk_gelu,
        tk_gelu_args(count: Int64(y.values.count), x: y.readOnly, y: y.pointer, exact: 1))
      return y.values
    }
    for (ours, x) in zip(got, x) where x < -0.001 {
      let want = exactGELU(Double(x))
      #expect(abs(Double(ours) - want) <= 8e-7 * abs(want), "GELU(\(x)) is \(want), not \(ours)")
    }
    #expect(Array(got.suffix(5)) == [0, 0, 0, 100, 3e38])
  }

  @Test(
    "GELU's gradient equals finite differences, and its value comes back in place",
    arguments: [false, true])
  func geluGradient(exact: Bool) {
    for n in [1, 17, 600] {
      let x = normals(n, "x").map { $0 * 2 }, dy = normals(n, "dy")
      let got = everywhere { s in
        let (bx, d, y) = (s.floats(x), s.floats(dy), s.zeros(n))
        s.run(
          tk_gelu,
          tk_gelu_args(count: Int64(n), x: bx.readOnly, y: y.pointer, exact: exact ? 1 : 0))
        s.run(
          tk_gelu_backward,
          tk_gelu_backward_args(
            count: Int64(n), x: bx.readOnly, dy: d.readOnly, dx: bx.pointer, y: d.pointer,
            exact: exact ? 1 : 0))
        #expect(d.values == y.values)
        return bx.values
      }
      let want = zip(x, dy).map { x, dy in
        slopes(of: { (exact ? exactGELU : gelu)($0[0]) }, at: [Double(x)])[0] * Double(dy)
      }
      expectClose(got, want, 1e-6)
    }
  }

  @Test("SwiGLU is its definition for every width from 1 to 70")
  func swigluIsTheDefinition() {
    for width in 1...70 {
      let x = normals(3 * 2 * width, "x")
      let got = everywhere { s in
        let (bx, y) = (s.floats(x), s.zeros(3 * width))
        s.run(
          tk_swiglu, tk_swiglu_args(rows: 3, width: Int64(width), x: bx.readOnly, y: y.pointer))
        return y.values
      }
      expectClose(got, swiglu(doubles(x), width: width), 1e-6, "width \(width)")
    }
  }

  @Test("SwiGLU's gradient equals finite differences, and its value comes back in place")
  func swigluGradient() {
    for width in [1, 16, 21] {
      let x = normals(3 * 2 * width, "x"), dy = normals(3 * width, "dy")
      let got = everywhere { s in
        let (bx, bdy, y) = (s.floats(x), s.floats(dy), s.zeros(dy.count))
        s.run(
          tk_swiglu, tk_swiglu_args(rows: 3, width: Int64(width), x: bx.readOnly, y: y.pointer))
        s.run(
          tk_swiglu_backward,
          tk_swiglu_backward_args(
            rows: 3, width: Int64(width), x: bx.readOnly, dy: bdy.readOnly, dx: bx.pointer,
            y: bdy.pointer))
        #expect(bdy.values == y.values)
        return bx.values
      }
      let want = slopes(of: { dot(doubles(dy), swiglu($0, width: width)) }, at: doubles(x))
      expectClose(got, want, 1e-6)
    }
  }
}
