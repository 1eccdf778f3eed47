import ArgumentParser
import Evaluation
import Inference
import Models
import Stages
import Support

/// Options for sampling text.
struct SamplingParameters: ParsableArguments {
  @Option(parsing: .unconditional, help: "Longest answer, in tokens.")
  var maxNewTokens: Int = 64
  @Option(parsing: .unconditional, help: "Sampling temperature; 0 always takes the most probable token.")
  var temperature: Float = 1
  @Option(parsing: .unconditional, help: "Only the K most probable tokens; 0 for all.")
  var topK: Int = 0
  @Option(parsing: .unconditional, help: "Only the fewest most probable tokens whose probabilities sum to P or more.")
  var topP: Float = 1
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("End the answer before this text; may be repeated.", valueName: "text"))
  var stop: [String] = []

  private static let greedy = "--temperature 0 takes the most probable token"

  /// - Throws: `Failure(.usage)` that names an option that is out of bounds or has no effect.
  func options() throws -> SamplingOptions {
    var options = SamplingOptions()
    options.maxNewTokens = maxNewTokens
    options.temperature = temperature
    options.topK = topK
    options.topP = topP
    try options.validate()
    guard !stop.contains("") else {
      throw Failure(
        .usage, "--stop has an empty text, which every answer contains", remedy: "Give it a text, or leave it out.")
    }
    var idle = IdleOptions()
    idle.add("--top-k", if: temperature == 0 && topK > 0, because: Self.greedy)
    idle.add("--top-p", if: temperature == 0 && topP < 1, because: Self.greedy)
    try idle.refuse()
    return options
  }
}

/// Options for best-of-n sampling.
struct BestOfOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Sample N answers and return the one with the highest reward.")
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
  /// - Parameter option: the option that gave `precision`, for the message.
  /// - Throws: `Failure(.usage)` if float32 is asked of an int8 model, which cannot compute in float32.
  func refuse(precision: RolloutPrecision?, as option: String) throws {
    guard precision == .float32, file.isInt8 else { return }
    throw Failure(
      .usage, "\(option) has no effect: \(name) holds int8 weights",
      remedy: "Leave it out, or give the model that it was made from.")
  }
}
