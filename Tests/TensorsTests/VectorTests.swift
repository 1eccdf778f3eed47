import CKernels
import Foundation
import Testing

@Suite struct VectorTests {
  @Test("add is element-wise addition")
  func add() {
    for n in 1...70 {
      let x = normals(n, "x"), y = normals(n, "y")
      let got = everywhere { s in
        let (bx, by) = (s.floats(x), s.floats(y))
        s.run(tk_add, tk_add_args(count: Int64(n), x: bx.readOnly, y: by.pointer))
        return by.values
      }
      #expect(got == zip(x, y).map(+))
    }
  }

  @Test("a scaled sum has one rounding, with scale 1 the bits of addition, and y may be an input")
  func scaleAdd() {
    for n in Array(1...70) + [100] {
      let x = normals(n, "x"), addend = normals(n, "addend")
      for scale: Float in [1, -0.3, 22.6] {
        let got = everywhere { s in
          let (bx, ba, y, sum) = (s.floats(x), s.floats(addend), s.zeros(n), s.floats(addend))
          func run(_ x: Floats, _ addend: Floats?, to y: Floats) -> [Float] {
            s.run(
              tk_scale_add,
              tk_scale_add_args(
                count: Int64(n), scale: scale, x: x.readOnly, addend: addend?.readOnly, y: y.pointer))
            return y.values
          }
          let (added, scaled) = (run(bx, ba, to: y), run(bx, nil, to: s.zeros(n)))
          s.run(tk_add, tk_add_args(count: Int64(n), x: bx.readOnly, y: sum.pointer))
          if scale == 1 { #expect(added == sum.values) }
          #expect(run(s.floats(x), ba, to: ba) == added)
          #expect(run(bx, s.floats(addend), to: bx) == added)
          let again = s.floats(x)
          #expect(run(again, nil, to: again) == scaled)
          return added + scaled
        }
        #expect(got == zip(x, addend).map { $1.addingProduct(scale, $0) } + x.map { scale * $0 })
      }
    }
  }

  @Test("without an addend, the sign of a zero stays")
  func scaleOfZero() {
    let got = everywhere { s in
      let y = s.floats([-0.0, 0.0])
      s.run(tk_scale_add, tk_scale_add_args(count: 2, scale: 2, x: y.readOnly, addend: nil, y: y.pointer))
      return y.values
    }
    #expect(got.map(\.sign) == [.minus, .plus])
  }

  @Test("the moving average is decay·y + (1 − decay)·x, and decay 1 changes nothing")
  func lerp() {
    let x = normals(67, "x"), y = normals(67, "y")
    for decay: Float in [0, 0.992, 1] {
      let got = everywhere { s in
        let (bx, by) = (s.floats(x), s.floats(y))
        s.run(tk_lerp, tk_lerp_args(count: 67, decay: decay, x: bx.readOnly, y: by.pointer))
        return by.values
      }
      let d = Double(decay)
      expectClose(got, zip(x, y).map { d * Double($1) + (1 - d) * Double($0) }, 2e-7)
      if decay == 1 { #expect(got == y) }
    }
  }

  @Test("a cap is cap·tanh(scale·x/cap), and its gradient the slope of it; without a cap, both only scale")
  func cap() {
    let x = normals(67, "x").map { $0 * 40 }, dy = normals(67, "dy")
    for (scale, cap): (Float, Float) in [(1, 30), (0.25, 2), (0.25, 0)] {
      let got = everywhere { s in
        let (bx, y, bdy) = (s.floats(x), s.zeros(67), s.floats(dy))
        s.run(tk_cap, tk_cap_args(count: 67, x: bx.readOnly, y: y.pointer, scale: scale, cap: cap))
        s.run(
          tk_cap_backward,
          tk_cap_backward_args(
            count: 67, y: y.readOnly, dy: bdy.readOnly, dx: bdy.pointer, scale: scale, cap: cap))
        return y.values + bdy.values
      }
      func capped(_ x: Double) -> Double {
        cap > 0 ? Double(cap) * tanh(Double(scale) * x / Double(cap)) : Double(scale) * x
      }
      let gradient = x.indices.map { i in slopes(of: { capped($0[0]) }, at: [Double(x[i])])[0] * Double(dy[i]) }
      expectClose(got, doubles(x).map(capped) + gradient, 2e-6, "scale \(scale), cap \(cap)")
    }
  }

  @Test("column sums are one ascending chain over rows, continued from what is there")
  func columnSum() {
    for width in 1...70 {
      let rows = 7, stride = width + 3
      let x = normals(rows * stride, "x"), start = normals(width, "out")
      let got = everywhere { s in
        let (bx, out) = (s.floats(x), s.floats(start))
        s.run(
          tk_column_sum,
          tk_column_sum_args(
            rows: Int64(rows), width: Int64(width), x: bx.readOnly, x_row: Int64(stride),
            out: out.pointer))
        return out.values
      }
      let want = (0..<width).map { j in (0..<rows).reduce(start[j]) { $0 + x[$1 * stride + j] } }
      #expect(got == want)
    }
  }

  @Test("the scalar head is x·w + bias, and its gradients are dy·w and Σ dy·x, both added")
  func rowDot() {
    for width in Array(1...70) {
      let rows = 5, stride = width + 1
      let x = normals(rows * stride, "x"), w = normals(width, "w"), dy = normals(rows, "dy")
      let got = everywhere { s in
        let (bx, bw, y) = (s.floats(x), s.floats(w), s.zeros(rows))
        s.run(
          tk_row_dot,
          tk_row_dot_args(
            rows: Int64(rows), width: Int64(width), x: bx.readOnly, x_row: Int64(stride),
            w: bw.readOnly, bias: 0.5, y: y.pointer))
        let (bdy, dx, dw) = (s.floats(dy), s.filled(rows * stride, 1), s.filled(width, 1))
        let backward = tk_row_dot_backward_args(
          rows: Int64(rows), width: Int64(width), x: bx.readOnly, x_row: Int64(stride),
          w: bw.readOnly, dy: bdy.readOnly, dx: dx.pointer, dx_row: Int64(stride), dw: dw.pointer)
        s.run(tk_row_dot_backward_input, backward)
        s.run(tk_row_dot_backward_weight, backward)
        return y.values + dx.values + dw.values
      }
      var y: [Double] = [], dx = [Double](repeating: 1, count: rows * stride)
      var dw = [Double](repeating: 1, count: width)
      for i in 0..<rows {
        y.append((0..<width).reduce(0.5) { $0 + Double(x[i * stride + $1]) * Double(w[$1]) })
        for j in 0..<width {
          dx[i * stride + j] += Double(dy[i]) * Double(w[j])
          dw[j] += Double(dy[i]) * Double(x[i * stride + j])
        }
      }
      expectClose(got, y + dx + dw, 3e-6, "width \(width)")
    }
  }

  @Test("the 16-lane rule: lanes ascend, then l[i] + l[i+8], +4, +2, +1")
  func laneRule() {
    let n = 53
    let x = normals(n, "lanes").map { $0 * 1e4 }, ones = [Float](repeating: 1, count: n)
    var lanes = [Float](repeating: 0, count: 16)
    for i in 0..<n { lanes[i % 16] += x[i] }
    for half in [8, 4, 2, 1] { for i in 0..<half { lanes[i] += lanes[i + half] } }
    let got = everywhere { s in
      let (bx, bw, y) = (s.floats(x), s.floats(ones), s.zeros(1))
      s.run(
        tk_row_dot,
        tk_row_dot_args(
          rows: 1, width: Int64(n), x: bx.readOnly, x_row: 0, w: bw.readOnly, bias: 0,
          y: y.pointer))
      return y.values
    }
    #expect(got == [lanes[0]])
  }

  @Test("sums of squares are exact for integers, one per block of 4,096, whatever the tail")
  func sumSquares() {
    for n in Array(1...70) + [4095, 4096, 4097, 3 * 4096 + 77] {
      let x = (0..<n).map { Float($0 % 1000 - 500) }
      let blocks = (n + 4095) / 4096
      let want = (0..<blocks).map { b in
        x[(b * 4096)..<min(n, (b + 1) * 4096)].reduce(0.0) { $0 + Double($1) * Double($1) }
      }
      var all: [[Double]] = []
      _ = everywhere { s in
        let bx = s.floats(x)
        var sums = [Double](repeating: -1, count: blocks)
        sums.withUnsafeMutableBufferPointer {
          s.run(
            tk_sum_squares,
            tk_sum_squares_args(count: Int64(n), x: bx.readOnly, sums: $0.baseAddress))
        }
        all.append(sums)
        return [0]
      }
      #expect(all.count >= 8 && all.allSatisfy { $0 == want })
    }
  }

  @Test("sums of squares of any floats have the same float64 bits everywhere")
  func sumSquaresBits() {
    let x = normals(9000, "squares")
    let got = everywhere { s in
      let bx = s.floats(x)
      var sums = [Double](repeating: -1, count: 3)
      sums.withUnsafeMutableBufferPointer {
        s.run(
          tk_sum_squares,
          tk_sum_squares_args(count: 9000, x: bx.readOnly, sums: $0.baseAddress))
      }
      return sums.flatMap { sum in
        [sum.bitPattern >> 32, sum.bitPattern].map { UInt32(truncatingIfNeeded: $0) }
      }.map(Float.init(bitPattern:))
    }
    #expect(got.count == 6)
  }
}
