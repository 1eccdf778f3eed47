import CKernels
import Support
import TestSupport
import Testing

/// H/√B over blocks of B = 64 or 16 numbers, the last of which ends with the row: the definition.
func rotated(_ x: [Double]) -> [Double] {
  let block = x.count >= 64 ? 64 : x.count >= 16 ? 16 : 0
  guard block > 0 else { return x }
  var starts = Array(stride(from: 0, through: x.count - block, by: block))
  if x.count % block != 0 { starts.append(x.count - block) }
  var result = x
  for start in starts {
    let old = Array(result[start..<start + block])
    for i in 0..<block {
      let sum = (0..<block).reduce(0.0) { $0 + ((i & $1).nonzeroBitCount % 2 == 0 ? old[$1] : -old[$1]) }
      result[start + i] = sum / Double(block).squareRoot()
    }
  }
  return result
}

/// The same in float32, sum by sum as the kernels have it: bits that a reference of what follows can begin with.
func rotatedAsKernels(_ x: [Float]) -> [Float] {
  let block = x.count >= 64 ? 64 : x.count >= 16 ? 16 : 0
  guard block > 0 else { return x }
  var starts = Array(stride(from: 0, through: x.count - block, by: block))
  if x.count % block != 0 { starts.append(x.count - block) }
  var result = x
  for start in starts {
    for stride in block == 64 ? [16, 32, 1, 2, 4, 8] : [1, 2, 4, 8] {
      let old = Array(result[start..<start + block])
      for i in 0..<block {
        result[start + i] = i & stride == 0 ? old[i] + old[i + stride] : old[i - stride] - old[i]
      }
    }
    for i in start..<start + block { result[i] *= block == 64 ? 0.125 : 0.25 }
  }
  return result
}

/// Powers of two from 2⁻³ to 2³.
func someFactors(_ count: Int) -> [Float] {
  (0..<count).map { Float(sign: .plus, exponent: ($0 * 5 + 2) % 7 - 3, significand: 1) }
}

@Suite("Rows balanced and rotated for int8")
struct RotationTests {
  /// Without blocks, of one, of several, and with a last one that overlaps.
  private static let widths = [1, 7, 15, 16, 17, 40, 63, 64, 65, 100, 128, 192, 200]

  private func numbers(_ count: Int, _ name: UInt64) -> [Float] {
    var random = RandomStream(seed: 3, purpose: "rotation", index: name)
    return random.numbers(count, scale: 2)
  }

  /// Largest code of a row times its scale, off from the definition by half a step and the roundings before.
  private func expectCodes(
    _ codes: (Int) -> Int8, _ scale: Float, of expected: [Double], _ what: String
  ) {
    for (k, value) in expected.enumerated() {
      let off = (Double(codes(k)) * Double(scale) - value).magnitude
      #expect(off <= Double(scale) * 0.501 + 1e-5, "\(what), column \(k)")
    }
  }

  @Test("codes of both sides are those of the definition, the same on every instruction set", arguments: widths)
  func definition(K: Int) {
    let (x, w, factors) = (numbers(3 * K, 1), numbers(5 * K, 2), someFactors(K))
    let both = underEachInstructionSet {
      (1...3).map {
        (RowCodes(quantizing: x, rows: 3, K: K, factors: factors, parts: $0),
          PackedCodes(packing: w, N: 5, K: K, factors: factors, parts: $0))
      }
    }
    let first = both.first!.1[0]
    for (set, results) in both {
      for (rows, packed) in results { #expect(rows == first.0 && packed == first.1, "\(set), K \(K)") }
    }
    for m in 0..<3 {
      let wanted = rotated((0..<K).map { Double(x[m * K + $0]) * Double(factors[$0]) })
      expectCodes({ first.0.codes[m * first.0.depth + $0] }, first.0.scales[m], of: wanted, "x, K \(K)")
    }
    for n in 0..<5 {
      let wanted = rotated((0..<K).map { Double(w[n * K + $0]) / Double(factors[$0]) })
      expectCodes({ first.1.codes[PackedCodes.place(n, $0, K: K)] }, first.1.scales[n], of: wanted, "w, K \(K)")
    }
  }

  @Test("the sums of the kernels are the definition's within float32", arguments: widths)
  func sums(K: Int) {
    let x = numbers(K, 7)
    for (a, b) in zip(rotatedAsKernels(x), rotated(doubles(x))) { #expect((Double(a) - b).magnitude < 2e-6) }
  }

  @Test("unpacking undoes factors and rotation, and rows can be looked up by number", arguments: widths)
  func undone(K: Int) {
    let (w, factors) = (numbers(20 * K, 4), someFactors(K))
    let packed = PackedCodes(packing: w, N: 20, K: K, factors: factors)
    for (set, back) in underEachInstructionSet({ packed.unpacked(factors: factors, parts: 3) }) {
      for i in 0..<20 * K {
        // A step is at most 1/127 of what the largest number becomes, spread over a block.
        let step = packed.scales[i / K] * factors[i % K]
        #expect((back[i] - w[i]).magnitude <= 5 * step, "\(set), K \(K), \(i)")
      }
    }
    let mean = zip(packed.unpacked(factors: factors), w).reduce(0) { $0 + ($1.0 - $1.1).magnitude } / Float(20 * K)
    #expect(mean < 0.1)
  }

  @Test("an outlier channel that factors balance leaves the others their resolution")
  func outlier() {
    let K = 128
    var x = numbers(K, 5), w = numbers(K, 6)
    let exact = zip(x, w).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    x[9] *= 1024
    w[9] /= 1024
    func product(_ factors: [Float]?) -> Double {
      Double(
        int8Product(
          RowCodes(quantizing: x, rows: 1, K: K, factors: factors),
          PackedCodes(packing: w, N: 1, K: K, factors: factors), onto: [0], stride: 1)[0])
    }
    var factors = [Float](repeating: 1, count: K)
    factors[9] = 1.0 / 1024
    #expect((product(factors) - exact).magnitude < 0.5)
    #expect((product(nil) - exact).magnitude > 1)
  }
}
