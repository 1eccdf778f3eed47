// Values of options, as people and scripts write them, and what the recipe makes of those that it takes.
import Runs
import Support
import Tensors

@testable import Models
@testable import Stages

/// An input is lines: the number of a hyper-parameter, of sampling or of --config as one character, and its value.
struct OptionsTarget: Target {
  static func seeds() -> [[UInt8]] {
    let values = [
      "1", "0", "-1", "1e300", "1000000000000000000", "nan", "inf", "0x1p3", "1.5", "5e-324", "k1", "shared", "none",
    ]
    let single = Parameter.all.indices.flatMap { index in
      values.map { [first + UInt8(index)] + Array($0.utf8) }
    }
    let sampling = values.map { value in Array("!\(value)\n\"\(value)\n#\(value)\n$\(value)".utf8) }
    let configurations = values.map { Array("%{\"layers\":\($0),\"kl-coef\":\($0)}".utf8) }
    return single + sampling + configurations
      + [Array("0200\n116384\n2256\n31000000\n465536\n665536".utf8), Array("%{\"value-model\":\"shared\"}".utf8)]
  }

  private static let first = UInt8(ascii: "0")

  init() {}

  func run(_ input: UnsafeRawBufferPointer) throws {
    var settings = Settings(quick: true)
    var sampling = SamplingOptions()
    for line in input.split(separator: 0x0A).prefix(16) {
      let value = String(decoding: line.dropFirst(), as: UTF8.self)
      do {
        try set(line.first!, value, &settings, &sampling)
      } catch let failure as Failure {
        require([.usage, .badData].contains(failure.kind) && !failure.what.isEmpty, "\(failure)")
      }
    }
    try use(sampling)
    try use(settings)
  }

  private func set(
    _ kind: UInt8, _ value: String, _ settings: inout Settings, _ sampling: inout SamplingOptions
  ) throws {
    switch kind {
    case UInt8(ascii: "!"): if let value = Int(value) { sampling.maxNewTokens = value }
    case UInt8(ascii: "\""): if let value = Float(value) { sampling.temperature = value }
    case UInt8(ascii: "#"): if let value = Int(value) { sampling.topK = value }
    case UInt8(ascii: "$"): if let value = Float(value) { sampling.topP = value }
    case UInt8(ascii: "%"):
      let object = try JSON.decode([String: JSONValue].self, from: Array(value.utf8), at: "config")
      try settings.merge(object, stage: nil, at: "config")
    default:
      guard kind >= Self.first, Int(kind - Self.first) < Parameter.all.count else { return }
      let parameter = Parameter.all[Int(kind - Self.first)]
      if parameter.choices.isEmpty {
        try settings.set(parameter, Double(value))
      } else {
        try settings.set(parameter, choice: value)
      }
    }
  }

  /// What options that are valid do to logits.
  private func use(_ sampling: SamplingOptions) throws {
    do { try sampling.validate() } catch { return }
    require(sampling.inverseTemperature.isFinite && sampling.inverseTemperature >= 0, "\(sampling)")
    var logits: [Float] = [1, 3, 2, 3, -4]
    logits.withUnsafeMutableBufferPointer { sampling.truncate($0) }
    require(logits[1] == 3, "the most probable token is left out by \(sampling)")
  }

  /// Every use of settings that needs no model.
  private func use(_ settings: Settings) throws {
    for parameter in Parameter.all {
      require(!parameter.text(settings[parameter]).isEmpty, parameter.name)
      if parameter.isInteger { require(settings.count(parameter) >= 0, parameter.name) }
    }
    _ = settings.resolved()
    require(PPOStage.iterations(settings) >= 1, "no iteration")
    require(PPOStage.sizes(settings, longest: 64, document: nil).batch >= 1, "no episodes")
    let options = PPOStage.options(settings)
    require(options.temperature > 0, "\(options.temperature)")
    for round in Round.all(min(settings.count(.rounds), 4)) { _ = RankingStage.items(settings, round) }
    try plan(settings)
  }

  private static let usual = Settings(quick: true)

  /// The memory of a model, where it is another than that without options: laying it out takes the longest.
  private func plan(_ settings: Settings) throws {
    let read: [Parameter] = [.layers, .dModel, .heads, .vocabulary, .context, .pretrainBatch]
    guard read.contains(where: { settings[$0] != Self.usual[$0] }) else { return }
    let architecture = PretrainStage.architecture(settings, vocabulary: settings.count(.vocabulary))
    do {
      try architecture.validate()
      let arena = Arena(isPlan: true)
      _ = try PretrainStage.memory(
        architecture, settings, longest: architecture.context, threads: 1, arena: arena)
      require(arena.bytes > 0, "a model without memory")
    } catch let failure as Failure {
      require(failure.kind == .badData || failure.kind == .outOfMemory, "\(failure)")
    }
  }
}
