import Inference
import Models
import Support
import Tensors

/// Measures generation with random weights.
struct BenchSampling {
  let isInt8: Bool
  let operations: BenchOperations
  private let runtime: ModelRuntime
  private let generator: Generator
  private let weights: TransformerWeights
  private let requests: [Generator.Request]
  private var sampling = SamplingOptions()

  init(_ options: BenchOptions, new: Int) throws {
    guard options.batch <= ModelRuntime.inferenceRows else {
      throw Failure(.usage, "--batch \(options.batch) is above \(ModelRuntime.inferenceRows)")
    }
    isInt8 = options.precision == .int8
    // One position more than needed, so that answers end only by their length.
    let architecture = try options.architecture(context: options.prompt + new + 1)
    runtime = try ModelRuntime(architecture, threads: options.threads)
    let set = try ParameterSet(
      ParameterLayout(architecture, scalarHead: false), name: "parameters", arena: runtime.arena)
    set.initialize(seed: 1)
    let transformer = try runtime.inferenceTransformer()
    weights = try runtime.weights(of: set, precision: options.precision, on: transformer)
    generator = try runtime.generator(transformer, options.precision, slots: options.batch)
    operations = BenchOperations(set.layout, options.precision)
    let source = Bench(options)
    requests = (0..<options.batch).map {
      .init(prompt: source.randomTokens(options.prompt, stream: $0), stream: UInt64($0))
    }
    sampling.maxNewTokens = new
  }

  var limit: MachineLimit { isInt8 ? .int8 : .fma }

  /// Bytes that one decoding step reads: the weights once, and the keys and values of `batch` sequences with
  /// `positions` positions each.
  func bytes(batch: Int, positions: Int) -> Double {
    (operations.body + operations.head) * (isInt8 ? 1 : 4)
      + Double(batch * positions) * operations.keyValues
  }

  /// Seconds until every prompt has its first token (prefill), and until the end (total).
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
