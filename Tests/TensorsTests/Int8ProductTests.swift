import CKernels
import Support
import Tensors
import TestSupport
import Testing

/// A product of random codes with everything that the kernel reads, and its result by definition.
private struct Sample {
  var M: Int
  var N: Int
  var K: Int
  var x: RowCodes
  var w: PackedCodes
  var sums: [Int]
  var bias: [Float]
  var before: [Float]
  var stride: Int

  init(M: Int, N: Int, K: Int, unit: Bool = false) {
    (self.M, self.N, self.K) = (M, N, K)
    var random = RandomStream(seed: 1, purpose: "int8", index: UInt64((M * 4096 + N) * 8192 + K))
    let left = random.codes(M * K), right = random.codes(N * K)
    let scaleOfRow = (0..<M).map { _ in unit ? 1 : random.uniform() + 0.5 }
    let scaleOfOutput = (0..<N).map { _ in unit ? 1 : random.uniform() + 0.5 }
    x = RowCodes(plain: left, rows: M, K: K, scales: scaleOfRow)
    w = PackedCodes(plain: right, N: N, K: K, scales: scaleOfOutput)
    sums = (0..<M * N).map { i in
      (0..<K).reduce(0) { $0 + Int(left[i / N * K + $1]) * Int(right[i % N * K + $1]) }
    }
    bias = random.numbers(N)
    stride = N + 3
    before = random.numbers(M * stride)
  }

  func product(bias: Bool, accumulate: Bool, parts: Int = 1) -> [Float] {
    int8Product(
      x, w, bias: bias ? self.bias : nil, onto: before, stride: stride, accumulate: accumulate,
      parts: parts)
  }

  /// t = float(sum)·(x_scale·w_scale); t += bias; y = t or y + t; the rest of y untouched.
  func expected(bias: Bool, accumulate: Bool) -> [Float] {
    var y = before
    for m in 0..<M {
      for n in 0..<N {
        let scale = x.scales[m] * w.scales[n]
        var t = Float(sums[m * N + n]) * scale
        if bias { t += self.bias[n] }
        y[m * stride + n] = accumulate ? y[m * stride + n] + t : t
      }
    }
    return y
  }
}

private func sameBits(_ a: [Float], _ b: [Float]) -> Bool {
  a.map(\.bitPattern) == b.map(\.bitPattern)
}

@Suite("int8 matrix product")
struct Int8ProductTests {
  @Test("it is the product of the integers, for 1 to 13 rows and every tail of outputs and depth")
  func integers() {
    InstructionSet.report("int8 product")
    for M in 1...13 {
      for (N, K) in [(1, 1), (15, 2), (16, 3), (17, 4), (33, 5), (48, 63), (70, 64), (131, 66)] {
        let sample = Sample(M: M, N: N, K: K, unit: true)
        let expected = sample.expected(bias: false, accumulate: false)
        for (set, y) in underEachInstructionSet({
          sample.product(bias: false, accumulate: false)
        }) {
          #expect(y == expected, "\(set), M \(M), N \(N), K \(K)")
        }
      }
    }
  }

  @Test("scales, bias and accumulation round as defined, bit for bit on every instruction set")
  func epilogue() {
    for (M, N, K) in [(1, 5, 7), (4, 16, 12), (7, 37, 20), (14, 100, 33), (64, 80, 192)] {
      let sample = Sample(M: M, N: N, K: K)
      for (bias, accumulate) in [(false, false), (true, false), (false, true), (true, true)] {
        let expected = sample.expected(bias: bias, accumulate: accumulate)
        for (set, y) in underEachInstructionSet({
          sample.product(bias: bias, accumulate: accumulate)
        }) {
          #expect(sameBits(y, expected), "\(set), M \(M), N \(N), K \(K)")
        }
      }
    }
  }

  @Test("every number of outputs from 1 to 80 and every depth from 1 to 40")
  func tails() {
    for N in 1...80 {
      let sample = Sample(M: 3, N: N, K: 9)
      let expected = sample.expected(bias: true, accumulate: true)
      for (set, y) in underEachInstructionSet({ sample.product(bias: true, accumulate: true) }) {
        #expect(sameBits(y, expected), "\(set), N \(N)")
      }
    }
    for K in 1...40 {
      let sample = Sample(M: 8, N: 21, K: K)
      let expected = sample.expected(bias: true, accumulate: false)
      for (set, y) in underEachInstructionSet({ sample.product(bias: true, accumulate: false) }) {
        #expect(sameBits(y, expected), "\(set), K \(K)")
      }
    }
  }

  @Test("1 to 4 parts write the same bytes")
  func parts() {
    for (M, N, K) in [(1, 15, 8), (5, 33, 8), (6, 130, 24), (20, 64, 16)] {
      let sample = Sample(M: M, N: N, K: K)
      let expected = sample.expected(bias: true, accumulate: true)
      for (set, results) in underEachInstructionSet({
        (1...4).map { sample.product(bias: true, accumulate: true, parts: $0) }
      }) {
        for (index, y) in results.enumerated() {
          #expect(sameBits(y, expected), "\(set), \(index + 1) parts, N \(N)")
        }
      }
    }
  }

  @Test("the extreme codes over a depth of 4,096 neither saturate nor overflow")
  func extremes() {
    let (M, N, K) = (7, 20, 4096)
    for (left, right) in [(127, 127), (-127, 127), (127, -127), (-127, -127)] as [(Int8, Int8)] {
      let x = RowCodes(
        plain: [Int8](repeating: left, count: M * K), rows: M, K: K,
        scales: [Float](repeating: 1, count: M))
      let w = PackedCodes(
        plain: [Int8](repeating: right, count: N * K), N: N, K: K,
        scales: [Float](repeating: 1, count: N))
      let expected = [Float](repeating: Float(Int(left) * Int(right) * K), count: M * N)
      for (set, y) in underEachInstructionSet({
        int8Product(x, w, onto: [Float](repeating: 0, count: M * N), stride: N)
      }) {
        #expect(y == expected, "\(set), \(left) by \(right)")
      }
    }
  }

  @Test("a row's result does not depend on the batch that it is in")
  func batch() {
    let sample = Sample(M: 13, N: 50, K: 77)
    for (set, (whole, alone)) in underEachInstructionSet({
      (
        sample.product(bias: true, accumulate: false),
        (0..<sample.M).map { m in
          int8Product(
            sample.x.row(m), sample.w, bias: sample.bias,
            onto: [Float](repeating: 0, count: sample.N), stride: sample.N)
        }
      )
    }) {
      for (m, row) in alone.enumerated() {
        let inBatch = Array(whole[m * sample.stride..<m * sample.stride + sample.N])
        #expect(sameBits(row, inBatch), "\(set), row \(m)")
      }
    }
  }

  @Test("no rows or no outputs: nothing is written; no depth: the bias alone")
  func empty() {
    let sample = Sample(M: 2, N: 5, K: 4)
    var none = sample.x
    (none.rows, none.codes, none.scales) = (0, [], [])
    let noDepth = (
      RowCodes(plain: [], rows: 2, K: 0, scales: [1, 1]),
      PackedCodes(plain: [], N: 5, K: 0, scales: [1, 1, 1, 1, 1])
    )
    for (_, (untouched, bias)) in underEachInstructionSet({
      (
        int8Product(none, sample.w, onto: sample.before, stride: sample.stride),
        int8Product(
          noDepth.0, noDepth.1, bias: sample.bias, onto: [Float](repeating: 7, count: 10),
          stride: 5)
      )
    }) {
      #expect(untouched == sample.before)
      #expect(bias == sample.bias + sample.bias)
    }
  }
}
