import CKernels
import Support
import Tensors
import TestSupport
import Testing

/// The rule, one number at a time: max/127 and w·(1/scale) rounded half to even.
private func codesByDefinition(_ row: some Collection<Float>) -> (codes: [Int8], scale: Float) {
  let most = row.map(\.magnitude).max() ?? 0
  let scale = most == 0 ? 1 : most / 127
  return (row.map { Int8(($0 * (1 / scale)).rounded(.toNearestOrEven)) }, scale)
}

private let shapes = [
  (1, 1), (1, 4), (3, 5), (15, 16), (16, 17), (17, 33), (31, 7), (40, 64), (50, 100),
]

private func weights(_ N: Int, _ K: Int) -> [Float] {
  var random = RandomStream(seed: 2, purpose: "int8 codes", index: UInt64(N * 4096 + K))
  return (0..<N).flatMap { n in random.numbers(K, scale: Float(n % 7) * 0.3 + 0.01) }
}

@Suite("int8 codes")
struct Int8CodesTests {
  @Test("packing follows the rule and the layout on every instruction set, padding zero")
  func packing() {
    for (N, K) in shapes {
      let w = weights(N, K)
      var plain: [Int8] = [], scales: [Float] = []
      for n in 0..<N {
        let (codes, scale) = codesByDefinition(w[n * K..<(n + 1) * K])
        plain += codes
        scales.append(scale)
      }
      let expected = PackedCodes(plain: plain, N: N, K: K, scales: scales)
      for (set, results) in underEachInstructionSet({
        (1...4).map { PackedCodes(packing: w, N: N, K: K, parts: $0) }
      }) {
        for (index, packed) in results.enumerated() {
          #expect(packed == expected, "\(set), N \(N), K \(K), \(index + 1) parts")
        }
      }
    }
  }

  @Test(
    "weights in 16 bits have the codes of the same weights in float32, balanced or not",
    arguments: [ElementType.bfloat16, .float16])
  func stored(type: ElementType) {
    for (N, K) in shapes {
      let w = weights(N, K).map(type.rounded)
      for factors in [nil, (0..<K).map { Float(sign: .plus, exponent: $0 % 5 - 2, significand: 1) }] {
        for (set, (wide, half)) in underEachInstructionSet({
          (PackedCodes(packing: w, N: N, K: K, factors: factors),
            PackedCodes(packing: w, N: N, K: K, factors: factors, parts: 2, stored: type))
        }) { #expect(half == wide, "\(set), N \(N), K \(K), \(factors == nil ? "not " : "")balanced") }
      }
    }
  }

  @Test("activations follow the same rule, row by row, whatever the batch, the stride, the parts")
  func activations() {
    for (rows, K) in shapes {
      let stride = K + 5
      let x = weights(rows, stride)
      var plain: [Int8] = [], scales: [Float] = []
      for row in 0..<rows {
        let (codes, scale) = codesByDefinition(x[row * stride..<row * stride + K])
        plain += codes
        scales.append(scale)
      }
      let expected = RowCodes(plain: plain, rows: rows, K: K, scales: scales)
      for (set, results) in underEachInstructionSet({
        (1...4).map { RowCodes(quantizing: x, rows: rows, K: K, stride: stride, parts: $0) }
      }) {
        for (index, codes) in results.enumerated() {
          #expect(codes == expected, "\(set), \(rows) by \(K), \(index + 1) parts")
        }
      }
      let last = RowCodes(
        quantizing: Array(x[(rows - 1) * stride..<(rows - 1) * stride + K]), rows: 1, K: K)
      #expect(last == expected.row(rows - 1))
    }
  }

  @Test("unpacking gives scale times code, at most half a scale from the weight")
  func roundTrip() {
    for (N, K) in shapes {
      let w = weights(N, K)
      let packed = PackedCodes(packing: w, N: N, K: K)
      for parts in 1...4 {
        let back = packed.unpacked(parts: parts)
        for i in 0..<N * K {
          let (n, k) = (i / K, i % K)
          let code = packed.codes[PackedCodes.place(n, k, K: K)]
          #expect(back[i] == packed.scales[n] * Float(code))
          // Beyond the half: the roundings of scale, quotient and product, each 2⁻²⁴ of 127 scales.
          #expect((back[i] - w[i]).magnitude <= packed.scales[n] * (0.5 + 3 * 127 * 0x1p-24))
        }
      }
      #expect(PackedCodes(packing: packed.unpacked(), N: N, K: K).codes == packed.codes)
    }
  }

  @Test("halves go to the even code, on both sides of zero")
  func halves() {
    // With a maximum of 127 the scale is exactly 1.
    var w: [Float] = [127]
    for step in -127..<127 { w.append(Float(step) + 0.5) }
    for (_, row) in underEachInstructionSet({ RowCodes(quantizing: w, rows: 1, K: w.count) }) {
      #expect(row.scales == [1])
      for (index, code) in row.codes.prefix(w.count).enumerated() {
        #expect(Float(code) == w[index].rounded(.toNearestOrEven))
      }
      #expect(row.codes[1...4].elementsEqual([-126, -126, -124, -124]))
    }
  }

  @Test("a row of zeros, of either sign, has scale 1 and codes 0")
  func zeros() {
    for zero in [0, -0.0] as [Float] {
      let w = [Float](repeating: zero, count: 20) + [Float](repeating: 3, count: 20)
      for (_, packed) in underEachInstructionSet({ PackedCodes(packing: w, N: 2, K: 20) }) {
        #expect(packed.scales == [1, 3 / 127])
        #expect(packed.rowSums == [0, 127 * 20])
        #expect((0..<20).allSatisfy { packed.codes[PackedCodes.place(0, $0, K: 20)] == 0 })
      }
    }
  }

  @Test("no code leaves −127…127 at the ends of the floats' range")
  func extremes() {
    for most in [Float.greatestFiniteMagnitude, 1, 127 * Float.leastNormalMagnitude] {
      let w = [most, -most, most.nextDown, -most.nextDown, 0]
      for (_, row) in underEachInstructionSet({ RowCodes(quantizing: w, rows: 1, K: 5) }) {
        #expect(row.codes == [127, -127, 127, -127, 0, 0, 0, 0])
      }
    }
    for tiny in [Float.leastNonzeroMagnitude, Float.leastNormalMagnitude] {
      for (_, row) in underEachInstructionSet({ RowCodes(quantizing: [tiny], rows: 1, K: 1) }) {
        #expect(row.scales == [1])
        #expect(row.codes == [0, 0, 0, 0])
      }
    }
  }

  @Test("a number that is not finite makes its row's products NaN, and no other row's")
  func notFinite() {
    for bad in [Float.infinity, -.infinity, .nan, -.nan] {
      var x = [Float](repeating: 1, count: 60)
      x[27] = bad
      let w = PackedCodes(packing: [Float](repeating: 1, count: 40), N: 2, K: 20)
      for (_, y) in underEachInstructionSet({
        int8Product(
          RowCodes(quantizing: x, rows: 3, K: 20), w, onto: [Float](repeating: 0, count: 6),
          stride: 2)
      }) {
        #expect(y.map(\.isNaN) == [false, false, true, true, false, false])
      }
    }
  }
}
