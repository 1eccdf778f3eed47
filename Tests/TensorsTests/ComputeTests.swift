import Support
import Tensors
import TestSupport
import Testing

/// The Swift interface of operations, with threads and int8 products.
@Suite struct ComputeTests {
  private let arena = Arena()
  private static let rows = 5
  private static let widths = [1, 15, 16, 17, 100]

  private func compute(threads: Int) throws -> Compute {
    try Compute(threads: threads, arena: arena, int8Rows: Self.rows, int8Columns: 100)
  }

  private func matrix(_ values: [Float], _ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = Matrix(try arena.floats("operand", rows * columns), rows, columns)
    matrix.base.update(from: values, count: values.count)
    return matrix
  }

  private func random(_ name: String, _ rows: Int, _ columns: Int) throws -> Matrix {
    try matrix(normals(rows * columns, name), rows, columns)
  }

  private func values(_ matrix: Matrix) -> [Float] {
    Array(UnsafeBufferPointer(start: matrix.base, count: matrix.rows * matrix.columns))
  }

  /// An int8 projection from `inputs`.
  private func linear(_ inputs: Int, _ compute: Compute) throws -> Linear {
    let codes = try Int8Matrix("codes", outputs: 20, inputs: inputs, arena: arena)
    for i in 0..<inputs { codes.factors[i] = Float(1 << (i % 3)) / 2 }
    compute.quantize(StoredFloats(try random("weights", 20, inputs).base), into: codes)
    return Linear(inputs: inputs, outputs: 20, weight: .int8(codes), bias: nil)
  }

  /// The product of an operand that `fused` prepares must be the product of the matrix that `plain` computes.
  private func expectSameProduct(
    _ inputs: Int, _ compute: Compute, _ what: String, plain: (Matrix) -> Void,
    fused: (Matrix, Linear) -> Operand
  ) throws {
    let projection = try linear(inputs, compute)
    let (y, again) = (try random("y", Self.rows, inputs), try random("y", Self.rows, inputs))
    let (product, other) = (try random("z", Self.rows, 20), try random("z", Self.rows, 20))
    plain(y)
    compute.apply(projection, y, to: product)
    compute.apply(projection, fused(again, projection), to: other)
    #expect(values(again) == values(y) && values(other) == values(product), "\(what), width \(inputs)")
  }

  @Test(
    "an int8 operand from an activation is the float32 activation, then quantised",
    arguments: Activation.allCases, [false, true])
  func activationThenCodes(activation: Activation, gated: Bool) throws {
    for set in InstructionSet.available {
      for (threads, width) in zip([1, 2, 3, 1, 2], Self.widths) {
        let compute = try compute(threads: threads)
        let x = try random("x", Self.rows, gated ? 2 * width : width)
        try set.use {
          try expectSameProduct(
            width, compute, "\(set)", plain: { compute.activate(x, to: $0, activation, gated: gated) },
            fused: { compute.activate(x, to: $0, activation, gated: gated, for: $1) })
        }
      }
    }
  }

  @Test(
    "an int8 operand from a norm is the float32 norm, then quantised", arguments: [false, true],
    [false, true])
  func normThenCodes(isRMS: Bool, hasUnitOffset: Bool) throws {
    for set in InstructionSet.available {
      for (threads, width) in zip([1, 2, 3, 1, 2], Self.widths) {
        let compute = try compute(threads: threads)
        let x = try random("x", Self.rows, width)
        let norm = Norm(
          width: width, gamma: try random("gamma", 1, width).base, beta: nil, epsilon: 1e-5, isRMS: isRMS,
          hasUnitOffset: hasUnitOffset)
        try set.use {
          try expectSameProduct(
            width, compute, "\(set)", plain: { compute.normalize(norm, x, to: $0, nil) },
            fused: { compute.normalize(norm, x, to: $0, nil, for: $1) })
        }
      }
    }
  }

  @Test("activations and their gradients are the kernels' for any number of threads")
  func activations() throws {
    let width = 17
    for (activation, gated) in Activation.allCases.flatMap({ [($0, false), ($0, true)] }) {
      let results = try [1, 3].map { threads -> [Float] in
        let compute = try compute(threads: threads)
        let x = try random("x", Self.rows, gated ? 2 * width : width)
        let (dy, y) = (try random("dy", Self.rows, width), try random("y", Self.rows, width))
        compute.activate(x, to: y, activation, gated: gated)
        compute.activateBackward(x, dy: dy, activation, gated: gated)
        #expect(values(dy) == values(y))
        return values(x)
      }
      #expect(results[0] == results[1])
    }
  }

  @Test("a norm with a unit offset is the norm whose gamma is 1 + gamma, forward and backward")
  func unitOffset() throws {
    let compute = try compute(threads: 2)
    let width = 100
    let gamma = normals(width, "gamma")
    func results(_ gamma: [Float], hasUnitOffset: Bool) throws -> [Float] {
      func norm(_ gamma: Matrix) -> Norm {
        Norm(
          width: width, gamma: gamma.base, beta: nil, epsilon: 1e-5, isRMS: true,
          hasUnitOffset: hasUnitOffset)
      }
      let weights = norm(try matrix(gamma, 1, width))
      let (x, dy) = (try random("x", Self.rows, width), try random("dy", Self.rows, width))
      let (y, again) = (try random("y", Self.rows, width), try random("y", Self.rows, width))
      let (dx, gradient) = (try random("dx", Self.rows, width), try random("gradient", 1, width))
      let moments = try random("moments", 2, Self.rows)
      let statistics = NormStatistics(mean: moments.row(0), rstd: moments.row(1))
      compute.normalize(weights, x, to: y, statistics)
      compute.normalizeBackward(
        weights, gradient: norm(gradient), dy: dy, x: x, statistics, addTo: dx, y: again)
      #expect(values(again) == values(y))
      return values(y) + values(dx) + values(gradient)
    }
    let offset = try results(gamma, hasUnitOffset: true)
    #expect(try offset == results(gamma.map { 1 + $0 }, hasUnitOffset: false))
    #expect(try offset != results(gamma, hasUnitOffset: false))
  }

  @Test("a head norm with a unit offset is the head norm whose gamma is 1 + gamma, forward and backward")
  func unitOffsetOfHeads() throws {
    let compute = try compute(threads: 2)
    let (heads, headDim) = (3, 20)
    let gamma = normals(headDim, "gamma")
    func results(_ gamma: [Float], hasUnitOffset: Bool) throws -> [Float] {
      func norm(_ gamma: Matrix) -> HeadNorm {
        HeadNorm(
          heads: heads, headDim: headDim, gamma: gamma.base, epsilon: 1e-5, hasUnitOffset: hasUnitOffset)
      }
      let weights = norm(try matrix(gamma, 1, headDim))
      let x = try random("x", Self.rows, heads * headDim), dy = try random("dy", Self.rows, heads * headDim)
      let y = try random("y", Self.rows, heads * headDim), rstd = try random("rstd", Self.rows, heads)
      let gradient = try random("gradient", 1, headDim)
      compute.normalize(weights, x, to: y, rstd: rstd.base)
      compute.normalizeBackward(weights, gradient: norm(gradient), dy: dy, x: x, rstd: rstd.base)
      return values(y) + values(dy) + values(gradient)
    }
    let offset = try results(gamma, hasUnitOffset: true)
    #expect(try offset == results(gamma.map { 1 + $0 }, hasUnitOffset: false))
    #expect(try offset != results(gamma, hasUnitOffset: false))
  }

  @Test("a scaled sum adds to its addend or to nothing, also in place")
  func scaleAdd() throws {
    let compute = try compute(threads: 2)
    let (x, addend) = (try random("x", Self.rows, 17), try random("addend", Self.rows, 17))
    let sum = zip(values(x), values(addend)).map { $1.addingProduct(0.25, $0) }
    let product = values(x).map { 0.25 * $0 }
    compute.scaleAdd(x, scale: 0.25, addingTo: addend, to: addend)
    #expect(values(addend) == sum)
    compute.scaleAdd(x, scale: 0.25, to: x)
    #expect(values(x) == product)
  }
}
