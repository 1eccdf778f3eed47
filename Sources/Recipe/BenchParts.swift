import Models
import Support
import Tensors
import Training

/// The machine's limits, each measured once, when first asked for.
final class Limits {
  private let threads: Int
  private var known: [MachineLimit: Double] = [:]

  init(threads: Int) { self.threads = threads }

  func of(_ limit: MachineLimit) throws -> Double {
    if let rate = known[limit] { return rate }
    let rate = try Compute(threads: threads, arena: Arena()).measure(limit)
    known[limit] = rate
    return rate
  }
}

/// Random models in memory of their own, as mapped files would be.
struct BenchModels {
  let ppo: PPOMemory.Models

  init(_ architecture: Architecture) throws {
    let arena = Arena()
    func make(_ name: String, head: Bool = false) throws -> ParameterSet {
      let set = try ParameterSet(
        ParameterLayout(architecture, scalarHead: head), name: name, arena: arena)
      set.initialize(seed: head ? 2 : 1)
      return set
    }
    ppo = PPOMemory.Models(
      policy: try make("policy"), reference: try make("reference"),
      reward: try make("reward model", head: true),
      normalization: RewardNormalization(gain: 1, bias: 0))
  }
}

/// Generation from random weights.
struct Sampling {
  let isInt8: Bool
  /// Elements of all projections, the unembedding included: what every token multiplies with.
  let parameters: Double
  private let bench: Workbench
  private let generator: Generator
  private let weights: TransformerWeights
  private let requests: [Generator.Request]
  private var sampling = SamplingOptions()

  init(_ options: BenchOptions, new: Int) throws {
    guard options.batch <= Workbench.inferenceRows else {
      throw Failure(.usage, "--batch \(options.batch) is above \(Workbench.inferenceRows)")
    }
    isInt8 = options.precision == .int8
    // One more position than is used, so that length alone ends an answer.
    let architecture = try options.architecture(context: options.prompt + new + 1)
    bench = try Workbench(architecture, threads: options.threads)
    let set = try ParameterSet(
      ParameterLayout(architecture, scalarHead: false), name: "parameters", arena: bench.arena)
    set.initialize(seed: 1)
    weights =
      isInt8
      ? try QuantizedWeights(set.layout, arena: bench.arena)
        .update(from: set, compute: bench.compute)
      : TransformerWeights(set)
    generator = try bench.generator(try bench.inference(), slots: options.batch)
    parameters = QuantizedWeights.projections(of: set.layout).reduce(0) { $0 + Double($1.count) }
    let source = Bench(options)
    requests = (0..<options.batch).map {
      .init(prompt: source.randomTokens(options.prompt, stream: $0), stream: UInt64($0))
    }
    sampling.maxNewTokens = new
    sampling.endToken = Bench.noToken
  }

  var limit: MachineLimit { isInt8 ? .int8 : .fma }
  /// Bytes of the projections.
  var bytes: Double { parameters * (isInt8 ? 1 : 4) }

  /// Seconds until every prompt has its first token, and until the end.
  func run(_ options: BenchOptions) throws -> (prefill: Double, total: Double) {
    let start = Clock.monotonic()
    var (tokens, prefill) = (0, 0.0)
    _ = try generator.run(
      requests, weights: weights, options: sampling, seed: 1, purpose: "bench",
      onToken: { _, _, _ in
        tokens += 1
        if tokens == requests.count { prefill = Clock.monotonic() - start }
      })
    return (prefill, Clock.monotonic() - start)
  }
}

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
      queryStride: 3 * width, keyValueStride: 3 * width, outputStride: width)
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
