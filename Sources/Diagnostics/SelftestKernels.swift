import Inference
import Support
import Tensors

/// Runs kernels on random operands. Each returns the bits of everything that it writes, so that instruction sets can be
/// compared.
struct SelftestKernels {
  private let arena = Arena()
  private let compute: Compute

  init(threads: Int) throws {
    compute = try Compute(threads: threads, arena: arena, int8Rows: 80, int8Columns: 200)
  }

  /// The name and body of each kernel, in display order.
  var all: [(name: String, body: () throws -> [UInt32])] {
    [
      ("matrix products", products), ("norms", norms), ("activations", activations),
      ("softmax", softmax), ("attention", attention), ("optimizer", optimizer),
      ("int8 products", int8),
    ]
  }

  /// (rows, inputs, outputs): odd sizes, so that every kernel also processes tails.
  private static let shapes = [(1, 65, 33), (7, 130, 70), (67, 97, 131), (80, 64, 192)]

  private func random(_ rows: Int, _ columns: Int, stream: Int) throws -> Matrix {
    let matrix = Matrix(try arena.floats("operand", rows * columns), rows, columns)
    var random = RandomStream(seed: 3, purpose: "selftest", index: UInt64(stream))
    for i in 0..<rows * columns { matrix.base[i] = random.normal() }
    return matrix
  }

  private func bits(_ matrices: Matrix...) -> [UInt32] {
    matrices.flatMap { matrix in
      UnsafeBufferPointer(start: matrix.base, count: matrix.rows * matrix.columns)
        .map(\.bitPattern)
    }
  }

  /// y = x·Wᵀ, dx = dy·W and dW += dyᵀ·x.
  private func products() throws -> [UInt32] {
    try Self.shapes.flatMap { (rows, inputs, outputs) -> [UInt32] in
      let x = try random(rows, inputs, stream: 1)
      let weight = try random(outputs, inputs, stream: 2)
      let gradient = try random(outputs, inputs, stream: 3)
      let y = try random(rows, outputs, stream: 4)
      let dx = try random(rows, inputs, stream: 5)
      let linear = { Linear(inputs: inputs, outputs: outputs, weight: .float32($0), bias: nil) }
      compute.apply(linear(weight.base), x, to: y)
      compute.backwardInput(linear(weight.base), dy: y, to: dx)
      compute.backwardWeight(linear(gradient.base), dy: y, x: x)
      return try bits(y, dx, gradient) + storedProducts(weight, x, y, dx)
    }
  }

  /// y = x·Wᵀ and dx = dy·W with the weights stored in 16 bits.
  private func storedProducts(_ weight: Matrix, _ x: Matrix, _ y: Matrix, _ dx: Matrix) throws -> [UInt32] {
    let count = weight.rows * weight.columns
    let halves = try arena.allocate("halves", count, of: UInt16.self)
    return [ElementType.bfloat16, .float16].flatMap { type in
      type.write(weight.base, count: count, to: halves)
      let linear = Linear(
        inputs: weight.columns, outputs: weight.rows, weight: .floats(StoredFloats(type, halves)), bias: nil)
      compute.apply(linear, x, to: y)
      compute.backwardInput(linear, dy: y, to: dx)
      return bits(y, dx)
    }
  }

  private func norms() throws -> [UInt32] {
    try [false, true].flatMap { (isRMS) -> [UInt32] in
      let (rows, width) = (37, 91)
      let x = try random(rows, width, stream: 1)
      let y = try random(rows, width, stream: 2)
      let dx = try random(rows, width, stream: 3)
      let parameters = try random(4, width, stream: 4)
      let statistics = try random(2, rows, stream: 5)
      let again = try random(rows, width, stream: 6)
      func norm(_ row: Int) -> Norm {
        Norm(
          width: width, gamma: parameters.row(row), beta: parameters.row(row + 1), epsilon: 1e-5,
          isRMS: isRMS)
      }
      let moments = NormStatistics(mean: statistics.row(0), rstd: statistics.row(1))
      compute.normalize(norm(0), x, to: y, moments)
      compute.normalizeBackward(
        norm(0), gradient: norm(2), dy: y, x: x, moments, addTo: dx, y: again)
      return bits(y, dx, parameters, statistics, again)
    }
  }

  private func activations() throws -> [UInt32] {
    let x = try random(37, 182, stream: 1)
    let y = try random(37, 182, stream: 2)
    let gated = try random(37, 91, stream: 3)
    let dy = try random(37, 182, stream: 4)
    let z = try random(37, 182, stream: 5)
    let dGated = try random(37, 91, stream: 6)
    for activation in Activation.allCases {
      compute.activate(x, to: y, activation, gated: false)
      compute.activateBackward(x, dy: dy, activation, gated: false)
      compute.activate(z, to: gated, activation, gated: true)
      compute.activateBackward(z, dy: dGated, activation, gated: true)
    }
    let capped = try random(37, 91, stream: 7)
    let dCapped = try random(37, 91, stream: 8)
    compute.cap(capped, to: capped, scale: 3, cap: 2)
    compute.capBackward(capped, dy: dCapped, scale: 3, cap: 2)
    return bits(x, y, dy, z, gated, dGated, capped, dCapped)
  }

  private func softmax() throws -> [UInt32] {
    let (rows, vocabulary) = (9, 517)
    let logits = try random(rows, vocabulary, stream: 1)
    let results = try random(3, rows, stream: 2)
    let targets = try arena.allocate("targets", rows, of: Int32.self)
    for i in 0..<rows { targets[i] = Int32(i * 57) }
    compute.logSoftmax(
      logits, inverseTemperature: 1 / 0.7, targets: targets, lse: results.row(0),
      logprob: results.row(1), entropy: results.row(2))
    compute.logSoftmaxBackward(
      logits, inverseTemperature: 1 / 0.7, targets: targets, lse: results.row(0),
      dLogprob: results.row(2))
    return bits(logits, results)
  }

  private func attention() throws -> [UInt32] {
    let (heads, kvHeads, headDim) = (4, 2, 20)
    let (queryWidth, kvWidth) = (heads * headDim, kvHeads * headDim)
    let width = queryWidth + 2 * kvWidth
    return try [(1, 0, 0), (63, 0, 0), (130, 0, 0), (63, 5, 0), (130, 37, 0), (130, 0, 2), (130, 65, 2)].flatMap {
      (tokens, window, cap) -> [UInt32] in
      let shape = AttentionShape(
        heads: heads, kvHeads: kvHeads, headDim: headDim, queryStride: width, keyValues: .rows(stride: width),
        outputStride: queryWidth, window: window, cap: Float(cap))
      let qkv = try random(tokens, width, stream: 1)
      let out = try random(tokens, queryWidth, stream: 2)
      let dOut = try random(tokens, queryWidth, stream: 3)
      let dQKV = try random(tokens, width, stream: 4)
      let lse = try random(tokens, heads, stream: 5)
      let forward = AttentionSequence(
        queries: Int64(tokens), keys: Int64(tokens), q: qkv.base, k: qkv.base + queryWidth,
        v: qkv.base + queryWidth + kvWidth, out: out.base, lse: lse.base)
      withUnsafePointer(to: forward) {
        compute.attention(UnsafeBufferPointer(start: $0, count: 1), shape)
      }
      let backward = AttentionBackwardSequence(
        tokens: Int64(tokens), q: qkv.base, k: qkv.base + queryWidth,
        v: qkv.base + queryWidth + kvWidth, out: out.base, dout: dOut.base, lse: lse.base,
        dq: dQKV.base, dk: dQKV.base + queryWidth, dv: dQKV.base + queryWidth + kvWidth)
      let workspace = try arena.allocate(
        "workspace", bytes: compute.attentionBackwardWorkspaceBytes(headDim: headDim, longest: tokens))
      withUnsafePointer(to: backward) {
        compute.attentionBackward(
          UnsafeBufferPointer(start: $0, count: 1), shape, workspace: workspace)
      }
      return bits(out, lse, dQKV)
    }
  }

  private func optimizer() throws -> [UInt32] {
    let state = try random(4, 5001, stream: 1)
    for i in 0..<5001 { state.row(3)[i] *= state.row(3)[i] }
    let scratch = try arena.allocate("norm", 2, of: Double.self)
    let sum = compute.sumOfSquares(state.row(0), count: 5001, scratch: scratch)
    compute.adamW(
      AdamWStep(
        learningRate: 1e-3, beta1: 0.9, beta2: 0.95, epsilon: 1e-5, weightDecay: 0.1,
        correction1: 0.1, correction2: 0.05, gradientScale: 0.5, isTensorFlowForm: true),
      count: 5001, p: state.row(1), g: state.row(0), m: state.row(2), v: state.row(3))
    return bits(state) + [UInt32(truncatingIfNeeded: sum.bitPattern)]
  }

  private func int8() throws -> [UInt32] {
    try Self.shapes.flatMap { (rows, inputs, outputs) -> [UInt32] in
      let x = try random(rows, inputs, stream: 1)
      let weight = try random(outputs, inputs, stream: 2)
      let y = try random(rows, outputs, stream: 3)
      let back = try random(outputs, inputs, stream: 4)
      let matrix = try Int8Matrix("int8", outputs: outputs, inputs: inputs, arena: arena)
      compute.quantize(StoredFloats(weight.base), into: matrix)
      compute.apply(
        Linear(inputs: inputs, outputs: outputs, weight: .int8(matrix), bias: nil), x, to: y)
      compute.dequantize(matrix, into: back.base)
      return bits(y, back)
    }
  }
}
