import ArgumentParser
import Models
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
  @Option(help: ArgumentHelp("End the answer before this text; may be repeated.", valueName: "text"))
  var stop: [String] = []

  /// - Throws: `Failure(.usage)` naming the option that is out of bounds.
  func options() throws -> SamplingOptions {
    var options = SamplingOptions()
    options.maxNewTokens = maxNewTokens
    options.temperature = temperature
    options.topK = topK
    options.topP = topP
    try options.validate()
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
