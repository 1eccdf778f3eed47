import ArgumentParser
import Evaluation
import Inference
import Models
import Stages
import Support

/// How text is generated.
struct SamplingParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: "Longest answer, in tokens.")
  var maxNewTokens: Int = 64
  @Option(parsing: .unconditional, help: "0 takes the most probable token.")
  var temperature: Float = 1
  @Option(parsing: .unconditional, help: "Only the k most probable tokens; 0 for all.")
  var topK: Int = 0
  @Option(parsing: .unconditional, help: "Only the fewest tokens whose probabilities sum to p.")
  var topP: Float = 1
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("End the answer before this text; may be repeated.", valueName: "text"))
  var stop: [String] = []

  private static let greedy = "--temperature 0 takes the most probable token"

  /// - Throws: `Failure(.usage)` naming the option that is out of bounds or has no effect.
  func options() throws -> SamplingOptions {
    var options = SamplingOptions()
    options.maxNewTokens = maxNewTokens
    options.temperature = temperature
    options.topK = topK
    options.topP = topP
    try options.validate()
    guard !stop.contains("") else {
      throw Failure(
        .usage, "--stop has an empty text, which stands everywhere", remedy: "Give it a text, or leave it out.")
    }
    var idle = IdleOptions()
    idle.add("--top-k", if: temperature == 0 && topK > 0, because: Self.greedy)
    idle.add("--top-p", if: temperature == 0 && topP < 1, because: Self.greedy)
    try idle.refuse()
    return options
  }
}

/// Best-of-n.
struct BestOfOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Answers of which the one is given that the reward model scores highest.")
  var bestOf: Int = 1

  /// - Throws: `Failure(.usage)` for a number that is out of bounds.
  func count() throws -> Int {
    guard (1...256).contains(bestOf) else {
      throw Failure(
        .usage, "--best-of \(bestOf) is not in 1…256", remedy: "Choose a number between them.")
    }
    return bestOf
  }
}

extension Model {
  /// - Parameter option: how `precision` was given, if it was.
  /// - Throws: `Failure(.usage)` where an int8 model is to compute in float32, which it cannot.
  func refuse(precision: RolloutPrecision?, as option: String) throws {
    guard precision == .float32, file.isInt8 else { return }
    throw Failure(
      .usage, "\(option) has no effect: \(name) holds int8 weights",
      remedy: "Leave it out, or name the float32 model that it was made of.")
  }
}
