import ArgumentParser
import Diagnostics
import Inference
import Stages
import Support

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the speed of this machine: each figure, and its fraction of the machine's own limit.",
    discussion: """
      Weights and tokens are random. Without WORK, everything is measured; the model has the shape of the \
      built-in base unless options change it. The limits (FMA peak, int8 peak, memory bandwidth) are \
      measured in the same run.
      """)

  enum Work: String, CaseIterable, ExpressibleByArgument { case train, decode, prefill, quantize, ppo }

  @Argument(help: "train, decode, prefill, quantize or ppo (default: all).") var work: Work?
  @Option(parsing: .unconditional, help: "Transformer layers.") var layers: Int?
  @Option(parsing: .unconditional, help: "Width of the residual stream.") var dModel: Int?
  @Option(parsing: .unconditional, help: "Attention heads.") var heads: Int?
  @Option(parsing: .unconditional, help: "Tokens in the vocabulary.") var vocab: Int?
  @Option(parsing: .unconditional, help: "Batch size: sequences at a time; in training, per step.") var batch: Int?
  @Option(parsing: .unconditional, help: "Tokens per training sequence.") var context: Int?
  @Option(parsing: .unconditional, help: "Tokens per prompt.") var prompt: Int?
  @Option(parsing: .unconditional, help: "Tokens generated after each prompt.") var new: Int?
  @Option(parsing: .unconditional, help: "PPO: episodes per iteration.") var episodes: Int?
  @Option(parsing: .unconditional, help: "PPO: tokens per answer.") var response: Int?
  @Option(parsing: .unconditional, help: "PPO: passes over the episodes.") var epochs: Int?
  @Option(parsing: .unconditional, help: "PPO: updates per epoch.") var miniBatches: Int?
  @Option(help: "Arithmetic of generation: int8 or float32 (default: int8).")
  var precision: RolloutPrecision?
  @Option(parsing: .unconditional, help: "Measure for at least this many seconds.") var seconds: Double = 2
  @Flag(help: "Print one JSON object.") var json = false
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    let counts = [
      ("layers", layers), ("d-model", dModel), ("heads", heads), ("vocab", vocab),
      ("batch", batch), ("context", context), ("prompt", prompt), ("new", new),
      ("episodes", episodes), ("response", response), ("epochs", epochs),
      ("mini-batches", miniBatches),
    ]
    for (name, count) in counts {
      // Shape options have the bounds of the hyper-parameter of that name.
      let most = Parameter.all.first { $0.name == name }.map { Int($0.bounds.upperBound) } ?? 10_000_000
      if let count, !(1...most).contains(count) {
        throw ValidationError("--\(name) \(count) is not in 1…\(most).")
      }
    }
    guard seconds >= 0, seconds <= 3600 else {
      throw ValidationError("--seconds \(seconds) is not in 0…3600.")
    }
    let options = self.options
    guard options.dModel % options.heads == 0 else {
      throw ValidationError("--heads \(options.heads) does not divide --d-model \(options.dModel).")
    }
    guard options.miniBatches <= options.episodes else {
      throw ValidationError("--mini-batches \(options.miniBatches) is above --episodes.")
    }
  }

  /// Refuses options that the chosen work does not read. When everything is measured, all options are read except
  /// `--response`.
  private func refuseIdle() throws {
    let readers: [(name: String, isGiven: Bool, works: [Work])] = [
      ("batch", batch != nil, [.train, .decode, .prefill]), ("context", context != nil, [.train]),
      ("prompt", prompt != nil, [.decode, .prefill, .ppo]), ("new", new != nil, [.decode]),
      ("episodes", episodes != nil, [.ppo]), ("response", response != nil, [.ppo]),
      ("epochs", epochs != nil, [.ppo]), ("mini-batches", miniBatches != nil, [.ppo]),
      ("precision", precision != nil, [.decode, .prefill, .ppo]),
    ]
    var idle = IdleOptions()
    if let work {
      for (name, isGiven, works) in readers {
        idle.add("--\(name)", if: isGiven && !works.contains(work), because: "bench \(work) does not read it")
      }
    } else {
      idle.add(
        "--response", if: response != nil, because: "when everything is measured, --new sets the answer's length")
    }
    try idle.refuse()
  }

  func run() throws {
    try refuseIdle()
    let options = self.options
    let bench = Bench(options)
    let all: [(work: Work?, measure: () throws -> [BenchResult])] = [
      (.decode, { [try bench.decode()] }), (.prefill, { [try bench.prefill()] }),
      (.quantize, { [try bench.quantize()] }), (.train, { [try bench.train()] }), (.ppo, { [try bench.ppo()] }),
      (nil, bench.kernels),
    ]
    let wanted = all.filter { work == nil || $0.work == work }
    let shown = Support.Work("measuring", of: wanted.count)
    defer { shown.end() }
    let measured = try wanted.map {
      defer { shown.advance() }
      return try $0.measure()
    }
    // The kernels are measured last, when the processor is warm, but printed first.
    let results = work == nil ? measured.last! + measured.dropLast().joined() : measured[0]
    if json {
      let objects = results.map { $0.json(options) }
      return try Console.output(
        JSON.line(work == nil ? JSONValue.object(["results": .array(objects)]) : objects[0]))
    }
    for result in results { try Console.output(line(result)) }
  }

  private var options: BenchOptions {
    var options = BenchOptions()
    options.layers = layers ?? options.layers
    options.dModel = dModel ?? options.dModel
    options.heads = heads ?? options.heads
    options.vocabulary = vocab ?? options.vocabulary
    options.batch = batch ?? options.batch
    options.context = context ?? options.context
    options.prompt = prompt ?? options.prompt
    options.new = (work == .ppo ? response : new) ?? options.new
    options.episodes = episodes ?? options.episodes
    options.epochs = epochs ?? options.epochs
    options.miniBatches = miniBatches ?? options.miniBatches
    options.precision = precision ?? .int8
    options.threads = compute.threads
    options.seconds = seconds
    return options
  }

  private func line(_ result: BenchResult) -> String {
    let rates = result.rates.map { name, value in
      "\(amount(value)) \(name.replacingUnderscores)"
    }
    let share =
      result.limitedBy == "itself"
      ? ""
      : ", \(Formatting.fixed(100 * result.fraction, 0)) % of \(amount(result.limit))"
        + " (\(result.limitedBy))"
    return "\(result.work): " + rates.joined(separator: ", ") + share
  }

  private func amount(_ value: Double) -> String {
    let units = ["", " k", " M", " G", " T"]
    var (value, unit) = (value, 0)
    while value >= 10_000 && unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return Formatting.fixed(value, value < 1 ? 3 : value < 100 ? 1 : 0) + units[unit]
  }
}

extension String {
  fileprivate var replacingUnderscores: String {
    String(map { $0 == "_" ? " " : $0 })
  }
}
