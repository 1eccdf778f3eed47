import CKernels
import Foundation
import Support
import Tensors
import Testing

@Suite struct ActivationTests {
  private static let widths = [1, 15, 16, 17, 100]

  private func definition(_ activation: Activation, _ x: Double) -> Double {
    switch activation {
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .geluExact: 0.5 * x * erfc(-x / 2.0.squareRoot())
    case .silu: x / (1 + exp(-x))
    }
  }

  /// y [rows, width]; x is [rows, width] or, with a gate, [rows, 2·width].
  private func reference(_ x: [Double], width: Int, _ activation: Activation, gated: Bool) -> [Double] {
    guard gated else { return x.map { definition(activation, $0) } }
    return (0..<(x.count / 2)).map { i in
      let at = i / width * 2 * width + i % width
      return definition(activation, x[at]) * x[at + width]
    }
  }

  private func activate(
    _ x: Floats, to y: Floats, width: Int, _ activation: Activation, gated: Bool, _ s: Setting
  ) {
    s.run(
      tk_activate,
      tk_activate_args(
        rows: Int64(y.count / width), width: Int64(width), x: x.readOnly, y: y.pointer,
        activation: activation.code, gated: gated ? 1 : 0))
  }

  private func backward(
    _ x: Floats, dy: Floats, dx: Floats, y: Floats?, width: Int, _ activation: Activation, gated: Bool,
    _ s: Setting
  ) {
    s.run(
      tk_activate_backward,
      tk_activate_backward_args(
        rows: Int64(dy.count / width), width: Int64(width), x: x.readOnly, dy: dy.readOnly, dx: dx.pointer,
        y: y?.pointer, activation: activation.code, gated: gated ? 1 : 0))
  }

  @Test(
    "every activation is its definition for every width from 1 to 70, with and without a gate",
    arguments: Activation.allCases, [false, true])
  func isTheDefinition(activation: Activation, gated: Bool) {
    for width in Array(1...70) + [100] {
      for rows in [1, 3] {
        let x = normals((gated ? 2 : 1) * rows * width, "x").map { $0 * 3 }
        let got = everywhere { s in
          let y = s.zeros(rows * width)
          activate(s.floats(x), to: y, width: width, activation, gated: gated, s)
          return y.values
        }
        let want = reference(doubles(x), width: width, activation, gated: gated)
        expectClose(got, want, 1e-6, "\(rows) rows of \(width)")
      }
    }
  }

  @Test("every activation is its definition over a wide range, in place", arguments: Activation.allCases)
  func wideRange(activation: Activation) {
    let x = (0..<5000).map { Float($0) * 0.004 - 10 }
    let got = everywhere { s in
      let y = s.floats(x)
      activate(y, to: y, width: 1000, activation, gated: false, s)
      return y.values
    }
    expectClose(got, doubles(x).map { definition(activation, $0) }, 5e-7)
  }

  @Test("exact GELU keeps its digits where it is almost 0: no cancellation, and no bad value far out")
  func geluFarOut() {
    let x: [Float] = stride(from: -12, through: 0, by: 0.01).map { Float($0) }
    let edges: [Float] = [-3e38, -100, -16.5, 100, 3e38]
    let got = everywhere { s in
      let y = s.floats(x + edges)
      activate(y, to: y, width: y.count, .geluExact, gated: false, s)
      return y.values
    }
    for (ours, x) in zip(got, x) where x < -0.001 {
      let want = definition(.geluExact, Double(x))
      #expect(abs(Double(ours) - want) <= 8e-7 * abs(want), "GELU(\(x)) is \(want), not \(ours)")
    }
    #expect(Array(got.suffix(5)) == [0, 0, 0, 100, 3e38])
  }

  @Test(
    "gradients equal finite differences, and the activation comes back in place, with the same bits",
    arguments: Activation.allCases, [false, true])
  func gradient(activation: Activation, gated: Bool) {
    for width in Self.widths {
      let rows = 3
      let x = normals((gated ? 2 : 1) * rows * width, "x").map { $0 * 2 }, dy = normals(rows * width, "dy")
      let got = everywhere { s in
        let (bx, bdy, y) = (s.floats(x), s.floats(dy), s.zeros(dy.count))
        activate(bx, to: y, width: width, activation, gated: gated, s)
        backward(bx, dy: bdy, dx: bx, y: bdy, width: width, activation, gated: gated, s)
        #expect(bdy.values == y.values)
        return bx.values
      }
      let want = slopes(
        of: { dot(doubles(dy), reference($0, width: width, activation, gated: gated)) }, at: doubles(x))
      expectClose(got, want, 1e-6, "width \(width)")
    }
  }

  @Test(
    "gradients do not depend on where they are written, nor on whether the activation is",
    arguments: Activation.allCases, [false, true])
  func gradientPlaces(activation: Activation, gated: Bool) {
    for width in Self.widths {
      let x = normals((gated ? 2 : 1) * 2 * width, "x"), dy = normals(2 * width, "dy")
      _ = everywhere { s in
        let (bx, bdy, dx, y) = (s.floats(x), s.floats(dy), s.zeros(x.count), s.zeros(dy.count))
        backward(bx, dy: bdy, dx: dx, y: y, width: width, activation, gated: gated, s)
        #expect(bx.values == x && bdy.values == dy)
        let alone = s.zeros(x.count)
        backward(bx, dy: bdy, dx: alone, y: nil, width: width, activation, gated: gated, s)
        #expect(alone.values == dx.values)
        if !gated {
          backward(bx, dy: bdy, dx: bdy, y: bx, width: width, activation, gated: gated, s)
          #expect(bdy.values == dx.values && bx.values == y.values)
        }
        return dx.values
      }
    }
  }
}
