import CKernels
import Foundation
import Support
import Testing

@testable import Tensors

@Suite struct EmbeddingTests {
  private let ids: [Int32] = [3, 0, 3, 9, 1, 3, 0]

  @Test("gather copies rows of the table, or adds them")
  func gather() {
    for width in 1...70 {
      let table = normals(10 * width, "table"), start = normals(7 * width, "y")
      for (accumulate, type) in [(false, ElementType.float32), (true, .float32), (false, .bfloat16), (false, .float16)] {
        let stored = type.bytes(of: table)
        let got = everywhere { s in
          let y = s.floats(start)
          ids.withUnsafeBufferPointer { ids in
            stored.withUnsafeBytes {
              s.run(
                tk_gather,
                tk_gather_args(
                  rows: 7, width: Int64(width), ids: ids.baseAddress, table: $0.baseAddress, type: type.kernel,
                  y: y.pointer, accumulate: accumulate ? 1 : 0))
            }
          }
          return y.values
        }
        let want = (0..<(7 * width)).map { i in
          type.rounded(table[Int(ids[i / width]) * width + i % width]) + (accumulate ? start[i] : 0)
        }
        #expect(got == want)
      }
    }
  }

  @Test("scatter adds rows ascending, also where an id repeats, and touches no other row")
  func scatter() {
    for width in 1...70 {
      let table = normals(10 * width, "table"), dy = normals(7 * width, "dy")
      let got = everywhere { s in
        let (bt, bdy) = (s.floats(table), s.floats(dy))
        ids.withUnsafeBufferPointer {
          s.run(
            tk_scatter,
            tk_scatter_args(
              rows: 7, width: Int64(width), ids: $0.baseAddress, dy: bdy.readOnly,
              table: bt.pointer))
        }
        return bt.values
      }
      var want = table
      for (row, id) in ids.enumerated() {
        for j in 0..<width { want[Int(id) * width + j] += dy[row * width + j] }
      }
      #expect(got == want)
    }
  }

  /// cosine, then sine.
  private func table(_ positions: Int, _ rotary: Int, _ theta: Double) throws -> [Float] {
    let arena = Arena()
    let table = try RotaryTable(positions: positions, rotary: rotary, theta: theta, arena: arena)
    return withExtendedLifetime(arena) {
      [table.cosine, table.sine].flatMap { values in
        (0..<positions * rotary / 2).map { values[$0] }
      }
    }
  }

  @Test("rotary tables are cosine and sine of position·theta^(−2i/rotary), rounded once")
  func rotaryTable() throws {
    for (positions, rotary, theta) in [(700, 64, 10_000.0), (300, 20, 1e6), (3, 2, 1.0)] {
      let got = try table(positions, rotary, theta)
      let half = rotary / 2
      let angles = (0..<(positions * half)).map { i in
        Double(i / half) * pow(theta, -2 * Double(i % half) / Double(rotary))
      }
      // Half a unit in the last place of a float below 1, and the C library's own last digits.
      for (g, w) in zip(got, angles.map(cos) + angles.map(sin)) {
        #expect(abs(Double(g) - w) <= 0.501 * Double(Float(w).ulp) + 1e-12)
      }
    }
  }

  private func rotate(
    _ x: [Float], by table: [Float], positions: [Int32], heads: Int, headDim: Int, rotary: Int,
    inverse: Bool, _ s: Setting
  ) -> [Float] {
    let cosine = s.floats(Array(table.prefix(table.count / 2)))
    let sine = s.floats(Array(table.suffix(table.count / 2)))
    let bx = s.floats(x)
    positions.withUnsafeBufferPointer {
      s.run(
        tk_rotary,
        tk_rotary_args(
          rows: Int64(positions.count), heads: Int64(heads), head_dim: Int64(headDim),
          rotary: Int64(rotary), positions: $0.baseAddress, cosine: cosine.readOnly,
          sine: sine.readOnly, x: bx.pointer, x_row: Int64(heads * headDim + 5),
          inverse: inverse ? 1 : 0))
    }
    return bx.values
  }

  @Test("rotation turns the pairs (i, i + rotary/2), leaves the rest, and its inverse undoes it")
  func rotation() throws {
    let positions: [Int32] = [0, 7, 39, 7, 12]
    for (heads, headDim, rotary) in [(2, 6, 4), (1, 64, 64), (3, 40, 34), (2, 70, 70)] {
      let row = heads * headDim + 5, half = rotary / 2
      let x = normals(5 * row, "x")
      let table = try table(40, rotary, 100)
      let got = everywhere {
        rotate(
          x, by: table, positions: positions, heads: heads, headDim: headDim, rotary: rotary,
          inverse: false, $0)
      }
      var want = doubles(x)
      for (r, position) in positions.enumerated() {
        for h in 0..<heads {
          for i in 0..<half {
            let angle = Double(position) * pow(100, -2 * Double(i) / Double(rotary))
            let at = r * row + h * headDim + i
            let (a, b) = (Double(x[at]), Double(x[at + half]))
            want[at] = a * cos(angle) - b * sin(angle)
            want[at + half] = b * cos(angle) + a * sin(angle)
          }
        }
      }
      expectClose(got, want, 5e-7)
      let back = everywhere {
        rotate(
          got, by: table, positions: positions, heads: heads, headDim: headDim, rotary: rotary,
          inverse: true, $0)
      }
      expectClose(back, doubles(x), 5e-7)
      #expect(Array(got.prefix(row)) == Array(x.prefix(row)), "position 0 is not turned")
    }
  }
}
