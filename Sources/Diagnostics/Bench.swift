import Inference
import Models
import Stages
import Support
import Tensors
import Training

/// The shape of the model and the sizes to measure.
public struct BenchOptions: Sendable {
  public var layers = Int(Parameter.layers.defaultValue)
  public var dModel = Int(Parameter.dModel.defaultValue)
  public var heads = Int(Parameter.heads.defaultValue)
  public var vocabulary = Int(Parameter.vocabulary.defaultValue)
  /// Sequences at a time; in training, per step.
  public var batch = 16
  /// Tokens per training sequence.
  public var context = Int(Parameter.context.defaultValue)
  public var prompt = 32
  /// Tokens generated after each prompt.
  public var new = 48
  public var episodes = 256
  public var epochs = 1
  public var miniBatches = 1
  public var precision = RolloutPrecision.int8
  public var threads = 1
  /// Minimum measuring time [seconds]; at least three calls are measured.
  public var seconds = 2.0

  public init() {}

  func architecture(context: Int) throws -> Architecture {
    let architecture = Architecture.gpt2(
      layers: layers, dModel: dModel, heads: heads, vocabulary: vocabulary, context: context)
    try architecture.validate(at: "the shape")
    return architecture
  }
}

/// A measured rate and the limit that the machine allows.
public struct BenchResult: Sendable {
  public let work: String
  /// Names, as in JSON, and values; the first rate is compared with the limit.
  public var rates: [(name: String, value: Double)]
  public var limit: Double
  /// A text that says what the limit is.
  public var limitedBy: String
  public var peakResidentBytes: Int
  public var isInt8: Bool

  public var fraction: Double { rates[0].value / limit }

  /// One JSON object.
  public func json(_ options: BenchOptions) -> JSONValue {
    var object: [String: JSONValue] = [
      "work": .string(work), "limit": .number(limit), "limited_by": .string(limitedBy),
      "fraction_of_limit": .number(fraction),
      "peak_rss_bytes": .number(Double(peakResidentBytes)),
      "threads": .number(Double(options.threads)),
      "instruction_set": .string(InstructionSet.active.rawValue),
      "precision": .string(isInt8 ? "int8" : "float32"),
      "shape": .object([
        "layers": .number(Double(options.layers)), "d_model": .number(Double(options.dModel)),
        "heads": .number(Double(options.heads)), "vocab": .number(Double(options.vocabulary)),
      ]),
    ]
    for (name, value) in rates { object[name] = .number(value) }
    return .object(JSONObject(object))
  }
}

/// Measures this machine on random weights and tokens.
public struct Bench {
  let options: BenchOptions
  private let limits: BenchLimits

  public init(_ options: BenchOptions) {
    self.options = options
    limits = BenchLimits(threads: options.threads)
  }

  // MARK: Training

  /// Full training steps: forward, backward, clipping and AdamW.
  public func train() throws -> BenchResult {
    let architecture = try options.architecture(context: options.context)
    let tokens = options.batch * options.context
    let memory = try LanguageModelMemory(
      architecture, parameters: nil, tokens: tokens, name: "model", threads: options.threads)
    memory.model.parameters.initialize(seed: 1)
    let sequences = (0..<options.batch).map {
      TrainingSequence(tokens: randomTokens(options.context, stream: $0))
    }
    let seconds = try median {
      _ = try memory.trainer.step(memory.model, sequences, learningRate: 1e-5)
    }
    let resident = Clock.peakResidentBytes()
    let operations = 6 * Double(memory.model.parameters.layout.trunkCount)
    return BenchResult(
      work: "train", rates: [("tokens_per_second", Double(tokens) / seconds)],
      limit: try limits.of(.fma) / operations,
      limitedBy: "FMA peak over 6 operations a parameter and token",
      peakResidentBytes: resident, isInt8: false)
  }

  // MARK: Generation

  /// Decoding: the rate of tokens generated after the prompts, and the rate including the prompts.
  public func decode() throws -> BenchResult {
    guard options.new > 1 else {
      throw Failure(.usage, "--new \(options.new) is too small to measure decoding", remedy: "Give --new 2 or more.")
    }
    let sampler = try BenchSampling(options, new: options.new)
    var (decoding, whole): ([Double], [Double]) = ([], [])
    try repeated {
      let time = try sampler.run(options)
      decoding.append(time.total - time.prefill)
      whole.append(time.total)
    }
    let resident = Clock.peakResidentBytes()
    let batch = Double(options.batch)
    let bytes = sampler.bytes(
      batch: options.batch, positions: options.prompt + options.new / 2)
    let read = bytes / (try limits.of(.read))
    let products = batch * sampler.operations.forward(tokens: 1, logits: 1) / (try limits.of(sampler.limit))
    return BenchResult(
      work: "decode",
      rates: [
        ("tokens_per_second", batch * Double(options.new - 1) / middle(decoding)),
        ("end_to_end_tokens_per_second", batch * Double(options.new) / middle(whole)),
      ],
      limit: batch / max(read, products),
      limitedBy: read > products
        ? "reading weights, keys and values once a step"
        : "the products at \(sampler.limit) peak",
      peakResidentBytes: resident, isInt8: sampler.isInt8)
  }

  /// Prefill: the rate of prompt tokens.
  public func prefill() throws -> BenchResult {
    let sampler = try BenchSampling(options, new: 1)
    var times: [Double] = []
    try repeated { times.append(try sampler.run(options).total) }
    let resident = Clock.peakResidentBytes()
    return BenchResult(
      work: "prefill",
      rates: [("tokens_per_second", Double(options.batch * options.prompt) / middle(times))],
      limit: Double(options.prompt) * (try limits.of(sampler.limit))
        / sampler.operations.forward(tokens: options.prompt, logits: 1),
      limitedBy: "the products at \(sampler.limit) peak", peakResidentBytes: resident,
      isInt8: sampler.isInt8)
  }

  /// Quantises all matrices anew, as before each int8 rollout. The balancing factors are chosen beforehand and not
  /// timed.
  public func quantize() throws -> BenchResult {
    let runtime = try ModelRuntime(options.architecture(context: options.context), threads: options.threads)
    let parameters = try ParameterSet(
      ParameterLayout(runtime.architecture, scalarHead: false), name: "parameters", arena: runtime.arena)
    parameters.initialize(seed: 1)
    let quantized = try QuantizedWeights(parameters.layout, arena: runtime.arena)
    try quantized.balance(by: parameters, on: try runtime.inferenceTransformer())
    let seconds = try median { _ = quantized.update(from: parameters, compute: runtime.compute) }
    let resident = Clock.peakResidentBytes()
    let weights = quantized.projections.reduce(0.0) { $0 + Double($1.matrix.outputs * $1.matrix.inputs) }
    return BenchResult(
      work: "quantize", rates: [("weights_per_second", weights / seconds), ("seconds", seconds)],
      limit: try limits.of(.read) / 4, limitedBy: "reading float32 weights once",
      peakResidentBytes: resident, isInt8: true)
  }

  // MARK: PPO

  /// Whole PPO iterations: rollouts, scoring, advantages and the updates of policy and value, with
  /// separate policy, reference, reward and value models.
  public func ppo() throws -> BenchResult {
    let length = options.prompt + options.new
    let architecture = try options.architecture(context: length + 1)
    let models = try RandomModels(architecture)
    var ppo = PPOOptions()
    ppo.epochs = options.epochs
    ppo.miniBatches = options.miniBatches
    let memory = try PPOMemory(
      models.ppo,
      PPOMemory.Sizes(
        batch: options.episodes, longest: length + 1, documents: 0,
        slots: min(64, options.episodes)),
      options: ppo, precision: options.precision, threads: options.threads)
    memory.trainer.value.parameters.copy(from: models.ppo.reward)
    var iteration = 0
    let seconds = try median {
      try iterate(memory, iteration)
      iteration += 1
    }
    let resident = Clock.peakResidentBytes()
    let operations = BenchOperations(models.ppo.policy.layout, options.precision)
    let learning = operations.ppo(
      prompt: options.prompt, answer: options.new, epochs: options.epochs,
      miniBatches: options.miniBatches)
    let float32 = learning / (try limits.of(.fma))
    let isInt8 = options.precision == .int8
    let rollout =
      operations.forward(tokens: options.prompt + options.new, logits: options.new)
      / (try limits.of(isInt8 ? .int8 : .fma))
    return BenchResult(
      work: "ppo", rates: [("episodes_per_second", Double(options.episodes) / seconds)],
      limit: 1 / (float32 + rollout), limitedBy: "every product once, at the peaks",
      peakResidentBytes: resident, isInt8: isInt8)
  }

  private func iterate(_ memory: PPOMemory, _ iteration: Int) throws {
    let prompts = (0..<options.episodes).map { randomTokens(options.prompt, stream: $0) }
    var sampling = SamplingOptions()
    sampling.maxNewTokens = options.new
    let samples = try memory.generator.run(
      prompts.enumerated().map { .init(prompt: $1, stream: UInt64($0)) },
      weights: memory.rolloutWeights(), options: sampling, seed: UInt64(iteration), purpose: "bench")
    var random = RandomStream(seed: 1, purpose: "bench", index: UInt64(iteration))
    _ = try memory.trainer.learn(
      from: Episodes(prompts: prompts, samples: samples), learningRate: 1e-6,
      random: &random, pretraining: { [] })
  }

  // MARK: Kernels

  /// Matrix products and attention in the model's shape, and the machine's limits.
  public func kernels() throws -> [BenchResult] {
    let kernels = try BenchKernels(options).measure { body in try median(body) }
    let peak = try limits.of(.fma)
    func result(_ work: String, rate: Double, limit: Double, limitedBy by: String, unit name: String) -> BenchResult {
      BenchResult(
        work: work, rates: [(name, rate)], limit: limit, limitedBy: by,
        peakResidentBytes: Clock.peakResidentBytes(), isInt8: work.hasPrefix("int8"))
    }
    let operations = "operations_per_second"
    let machine = try MachineLimit.allCases.map { limit in
      let rate = try limits.of(limit)
      return result(
        limit == .read ? "memory read" : limit == .fma ? "FMA peak" : "int8 peak", rate: rate, limit: rate,
        limitedBy: "itself", unit: limit == .read ? "bytes_per_second" : operations)
    }
    return machine + [
      result("matrix product", rate: kernels.product, limit: peak, limitedBy: "FMA peak", unit: operations),
      result("int8 product", rate: kernels.int8, limit: try limits.of(.int8), limitedBy: "int8 peak", unit: operations),
      result("attention", rate: kernels.attention, limit: peak, limitedBy: "FMA peak", unit: operations),
      result("attention's gradient", rate: kernels.gradient, limit: peak, limitedBy: "FMA peak", unit: operations),
    ]
  }

  // MARK: Time

  /// The median duration of a call [seconds], after one warm-up call.
  private func median(_ body: () throws -> Void) throws -> Double {
    var times: [Double] = []
    try repeated {
      let start = Clock.monotonic()
      try body()
      times.append(Clock.monotonic() - start)
    }
    return middle(times)
  }

  private func repeated(_ body: () throws -> Void) throws {
    try body()
    let start = Clock.monotonic()
    var count = 0
    while count < 3 || Clock.monotonic() - start < options.seconds {
      try body()
      count += 1
    }
  }

  /// The median without the first value, which is the warm-up.
  private func middle(_ times: [Double]) -> Double {
    let sorted = times.dropFirst().sorted()
    return sorted[sorted.count / 2]
  }

  func randomTokens(_ count: Int, stream: Int) -> [Int32] {
    var random = RandomStream(seed: 1, purpose: "bench/tokens", index: UInt64(stream))
    return (0..<count).map { _ in Int32(random.below(options.vocabulary)) }
  }
}
