import Inference
import Support
import Tensors

/// Measures matrix products and attention in the shape of a training pass.
struct BenchKernels {
  private let compute: Compute
  private let arena = Arena()
  private let options: BenchOptions

  init(_ options: BenchOptions) throws {
    // Throws for a shape that attention cannot compute.
    _ = try options.architecture(context: options.context)
    self.options = options
    compute = try Compute(
      threads: options.threads, arena: arena, int8Rows: options.batch * options.context,
      int8Columns: options.dModel)
  }

  /// Operations per second.
  struct Rates {
    var product, int8, attention, gradient: Double
  }

  /// - Parameter seconds: returns the duration of a call.
  func measure(_ seconds: (() throws -> Void) throws -> Double) throws -> Rates {
    let rows = options.batch * options.context
    let width = options.dModel
    let x = try random(rows, width)
    let up = try random(4 * width, width)
    let y = try random(rows, 4 * width)
    let linear = Linear(inputs: width, outputs: 4 * width, weight: .float32(up.base), bias: nil)
    let product = try seconds { compute.apply(linear, x, to: y) }
    let codes = try Int8Matrix("codes", outputs: 4 * width, inputs: width, arena: arena)
    compute.quantize(StoredFloats(up.base), into: codes)
    let twin = Linear(inputs: width, outputs: 4 * width, weight: .int8(codes), bias: nil)
    let int8 = try seconds { compute.apply(twin, x, to: y) }

    let qkv = try random(rows, 3 * width)
    let gradients = try random(rows, 3 * width)
    let (out, dout) = (try random(rows, width), try random(rows, width))
    let lse = try arena.floats("log-sum-exp", rows * options.heads)
    let shape = AttentionShape(
      heads: options.heads, kvHeads: options.heads, headDim: width / options.heads,
      queryStride: 3 * width, keyValues: .rows(stride: 3 * width), outputStride: width)
    let starts = (0..<options.batch).map { $0 * options.context }
    let sequences = starts.map { start in
      let row = qkv.row(start)
      return AttentionSequence(
        queries: Int64(options.context), keys: Int64(options.context), q: row, k: row + width,
        v: row + 2 * width, out: out.row(start), lse: lse + start * options.heads)
    }
    let attention = try sequences.withUnsafeBufferPointer { sequences in
      try seconds { compute.attention(sequences, shape) }
    }
    let backward = starts.map { start in
      let (row, gradient) = (qkv.row(start), gradients.row(start))
      return AttentionBackwardSequence(
        tokens: Int64(options.context), q: row, k: row + width, v: row + 2 * width,
        out: out.row(start), dout: dout.row(start), lse: lse + start * options.heads,
        dq: gradient, dk: gradient + width, dv: gradient + 2 * width)
    }
    let workspace = try arena.allocate(
      "workspace",
      bytes: compute.attentionBackwardWorkspaceBytes(headDim: shape.headDim, longest: options.context))
    let gradient = try backward.withUnsafeBufferPointer { sequences in
      try seconds { compute.attentionBackward(sequences, shape, workspace: workspace) }
    }
    let (T, d) = (Double(options.context), Double(width))
    let products = 2 * Double(rows) * 4 * d * d
    // Operations of one product over all causal pairs of positions; forward has two such products, backward five.
    let pairs = 2 * Double(options.batch) * T * (T + 1) / 2 * d
    return Rates(
      product: products / product, int8: products / int8, attention: 2 * pairs / attention,
      gradient: 5 * pairs / gradient)
  }

  private func random(_ rows: Int, _ columns: Int) throws -> Matrix {
    let matrix = Matrix(try arena.floats("operand", rows * columns), rows, columns)
    var random = RandomStream(seed: 1, purpose: "bench/operand")
    for i in 0..<rows * columns { matrix.base[i] = random.uniform() - 0.5 }
    return matrix
  }
}
