import ArgumentParser
import Datasets
import Evaluation
import Inference

/// On what an int8 model is compared with its float32 one.
struct Int8MeasureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Text on which int8 is compared with float32; without it, what the int8 model samples.", valueName: "file"))
  var text: String?

  /// The texts, which are read before anything is written.
  func read() throws -> [String]? {
    try text.map { try readDocuments($0, strict: true).records }
  }

  func measure(_ int8: Model, _ float32: Model, _ texts: [String]?, threads: Int) throws -> Int8Gap {
    let measure = try Int8Measure(int8: int8, float32: float32, threads: threads)
    guard let text, let texts else { return try measure.onSamples() }
    return try measure.onTexts(texts, at: text)
  }

  /// For people; with a warning where rollouts would go on in float32.
  func text(of gap: Int8Gap) -> String {
    let sentence = gap.text(of: text.map { "of \($0)" } ?? "that it sampled")
    guard !gap.isNear else { return "On the same tokens, \(sentence)" }
    return "warning: On the same tokens, \(sentence) That is more than \(Int8Gap.tolerated): this model loses by int8."
  }
}
