import CKernels
import Support
import Tensors
import TestSupport
import Testing

@Suite struct GemmTests {
  /// All problems of `shapes` on every instruction set and number of parts, against Swift's chain.
  private func check(
    _ shapes: [(M: Int, N: Int, K: Int)], parts: [Int], stored: ElementType = .float32,
    value: (Int) -> Float = roughValue
  ) {
    let workspace = Workspace(parts: parts.max()!)
    var compared = 0
    for shape in shapes {
      for layout in 0..<16 {
        let problem = GemmProblem(shape.M, shape.N, shape.K, layout: layout, stored: stored, value: value)
        let expected = problem.reference()
        for set in InstructionSet.available {
          set.use {
            for parts in parts {
              let result = problem.product(parts: parts, workspace: workspace)
              compared += 1
              if !identical(result, expected) {
                Issue.record("\(set), \(parts) parts: other bits for \(problem)")
              }
            }
          }
        }
      }
    }
    #expect(compared == shapes.count * 16 * parts.count * InstructionSet.available.count)
    #expect(compared > 0)
    #expect(workspace.guardIsIntact)
  }

  @Test("every instruction set gives the bits of one ascending chain, for every tail and layout")
  func tails() {
    InstructionSet.report("matrix product")
    var shapes: [(M: Int, N: Int, K: Int)] = []
    for M in 0...14 {
      for N in [0, 1, 2, 3, 7, 8, 9, 12, 13, 15, 16, 17, 24, 31, 32, 33, 48] {
        for K in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 33] { shapes.append((M, N, K)) }
      }
    }
    check(shapes, parts: [1])
  }

  @Test("the chain goes on from C across cache blocks of every operand")
  func cacheBlocks() {
    check(
      [
        (1, 40, 1000), (13, 33, 255), (13, 33, 256), (13, 33, 257), (12, 32, 513), (97, 17, 300),
        (193, 31, 40), (14, 577, 257), (97, 600, 260), (13, 9500, 10),
      ], parts: [1])
  }

  @Test("the number of parts does not change a bit, even when there are more parts than tiles")
  func parts() {
    check(
      [(1, 1, 5), (1, 100, 20), (5, 64, 33), (40, 40, 40), (100, 30, 17), (30, 200, 300)],
      parts: [1, 2, 3, 4, 5])
  }

  @Test(
    "weights in 16 bits give the bits of the same weights in float32, for every tail and layout",
    arguments: [ElementType.bfloat16, .float16])
  func stored(type: ElementType) {
    var shapes: [(M: Int, N: Int, K: Int)] = [(13, 33, 257), (14, 577, 257), (97, 600, 260), (13, 9500, 10)]
    for M in [0, 1, 2, 5, 12, 13] {
      for N in [0, 1, 3, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 48] {
        for K in [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 18, 33] { shapes.append((M, N, K)) }
      }
    }
    check(shapes, parts: [1, 2], stored: type)
    // Among them numbers that are subnormal in float16, and the largest.
    check([(3, 40, 40)], parts: [1], stored: type) { Float(sign: .minus, exponent: 15 - $0 % 40, significand: 1.75) }
    check([(13, 33, 20)], parts: [1], stored: type) { $0 % 3 == 0 ? 1 : -0.0 }
  }

  @Test("the sign of a zero survives: −0 plus products that are −0")
  func signedZeros() {
    check([(13, 33, 20)], parts: [1]) { $0 % 3 == 0 ? 1 : -0.0 }
    check([(13, 33, 20)], parts: [1]) { _ in -0.0 }
    // C = −0, A = −0, B = 1: every sum is −0.
    let workspace = Workspace(parts: 1)
    for set in InstructionSet.available {
      let problem = GemmProblem(5, 7, 4, layout: 4) {
        (1_000_003..<2_000_003).contains($0) ? 1 : -0.0
      }
      let result = set.use { problem.product(workspace: workspace) }
      #expect(identical(result, problem.c.storage), "\(set)")
    }
  }

  @Test("products of small integers are exact")
  func exactIntegers() {
    let workspace = Workspace(parts: 1)
    for (M, N, K) in [(3, 5, 7), (37, 70, 300), (8, 48, 1000)] {
      for layout in 0..<16 {
        let p = GemmProblem(M, N, K, layout: layout, value: smallInteger)
        var expected = p.c.storage
        for m in 0..<M {
          for n in 0..<N {
            var sum = p.accumulate ? Int(p.c[m, n]) : 0
            for k in 0..<K { sum += Int(p.a[m, k]) * Int(p.b[k, n]) }
            expected[p.c.offset + m * p.c.rowStride + n] = Float(sum + Int(p.bias?[n] ?? 0))
          }
        }
        for set in InstructionSet.available {
          let result = set.use { p.product(workspace: workspace) }
          // −0 and 0 are the same integer.
          let equal = zip(result, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
          #expect(equal, "\(set): \(p)")
        }
      }
    }
  }

  @Test("an empty sum is zero or C as it was, plus the bias; empty outputs are left alone")
  func emptyShapes() {
    let workspace = Workspace(parts: 2)
    for set in InstructionSet.available {
      set.use {
        for layout in 0..<16 {
          let p = GemmProblem(5, 7, 0, layout: layout, value: roughValue)
          let result = p.product(parts: 2, workspace: workspace)
          for m in 0..<5 {
            for n in 0..<7 {
              let start = p.accumulate ? p.c[m, n] : 0
              let expected = p.bias.map { start + $0[n] } ?? start
              let value = result[p.c.offset + m * p.c.rowStride + n]
              #expect(value.bitPattern == expected.bitPattern, "\(set): \(p)")
            }
          }
          for (M, N) in [(0, 7), (5, 0), (0, 0)] {
            let empty = GemmProblem(M, N, 9, layout: layout, value: roughValue)
            let untouched = empty.product(parts: 2, workspace: workspace)
            #expect(identical(untouched, empty.c.storage), "\(set): \(empty)")
          }
        }
      }
    }
  }

  @Test("the chains may begin in another matrix, which is left as it was")
  func addend() {
    let workspace = Workspace(parts: 3)
    for (M, N, K) in [(1, 5, 40), (37, 70, 300), (50, 33, 600)] {
      for layout in [0, 3, 8, 11] {
        var problem = GemmProblem(M, N, K, layout: layout, value: roughValue)
        problem.addend = StridedMatrix(M, N, transposed: false, gap: 2, offset: 1) {
          roughValue(3_000_003 &+ $0 &* N &+ $1)
        }
        let expected = problem.reference()
        for set in InstructionSet.available {
          for parts in 1...3 {
            let result = set.use { problem.product(parts: parts, workspace: workspace) }
            #expect(identical(result, expected), "\(set), \(parts) parts: \(problem)")
          }
        }
      }
    }
  }

  @Test("matrices with neither rows nor columns contiguous are multiplied too")
  func generalStrides() {
    // Every second element of a larger A, every third of a larger B.
    let a = (0..<2 * 20 * 30).map(roughValue)
    let b = (0..<3 * 30 * 40).map { roughValue($0 + 5) }
    var expected = [Float](repeating: 0, count: 20 * 40)
    for m in 0..<20 {
      for n in 0..<40 {
        for k in 0..<30 {
          let chain = expected[m * 40 + n]
          expected[m * 40 + n] = chain.addingProduct(a[m * 60 + 2 * k], b[k * 120 + 3 * n])
        }
      }
    }
    let workspace = Workspace(parts: 1)
    for set in InstructionSet.available {
      var c = [Float](repeating: .nan, count: 20 * 40)
      set.use {
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            c.withUnsafeMutableBufferPointer { c in
              var arguments = tk_gemm_args(
                M: 20, N: 40, K: 30, A: a.baseAddress, a_row: 60, a_column: 2, B: b.baseAddress,
                b_type: TK_FLOAT32, b_row: 120, b_column: 3, C: c.baseAddress, c_row: 40, from: nil, from_row: 0, bias: nil,
                workspace: workspace.base)
              tk_gemm(&arguments, 0, 1)
            }
          }
        }
      }
      #expect(identical(c, expected), "\(set)")
    }
  }
}
