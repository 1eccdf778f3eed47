import Support
import Tensors

/// One matrix product and one attention, of the shape of a training pass.
struct BenchKernels {
  private let compute: Compute
  private let arena = Arena()
  private let options: BenchOptions

  init(_ options: BenchOptions) throws {
    // Refuses a shape that attention cannot compute.
    _ = try options.architecture(context: options.context)
    self.options = options
    compute = try Compute(threads: options.threads, arena: arena)
  }

  /// Operations a second of both; `seconds` times a call.
  func measure(_ seconds: (() throws -> Void) throws -> Double) throws -> (
    product: Double, attention: Double
  ) {
    let rows = options.batch * options.context
    let width = options.dModel
    let x = try random(rows, width)
    let up = try random(4 * width, width)
    let y = try random(rows, 4 * width)
    let linear = Linear(inputs: width, outputs: 4 * width, weight: .float32(up.base), bias: nil)
    let product = try seconds { compute.apply(linear, x, to: y) }

    let qkv = try random(rows, 3 * width)
    let shape = AttentionShape(
      heads: options.heads, kvHeads: options.heads, headDim: width / options.heads,
      queryStride: 3 * width, keyValues: .rows(stride: 3 * width), outputStride: width)
    let sequences = (0..<options.batch).map { index in
      let row = qkv.row(index * options.context)
      return AttentionSequence(
        queries: Int64(options.context), keys: Int64(options.context), q: row, k: row + width,
        v: row + 2 * width, out: x.row(index * options.context), lse: nil)
    }
    let attention = try sequences.withUnsafeBufferPointer { sequences in
      try seconds { compute.attention(sequences, shape) }
    }
    let (T, d) = (Double(options.context), Double(width))
    return (
      2 * Double(rows) * 4 * d * d / product,
      // Two products over the pairs of positions that causality allows.
      2 * 2 * Double(options.batch) * T * (T + 1) / 2 * d / attention
    )
  }

  private func random(_ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = Matrix(try arena.floats("operand", rows * columns), rows, columns)
    var random = RandomStream(seed: 1, purpose: "bench/operand")
    for i in 0..<rows * columns { matrix.base[i] = random.uniform() - 0.5 }
    return matrix
  }
}
