import ArgumentParser
import Datasets
import Evaluation
import Inference

/// Options that choose the text on which an int8 model is compared with the model that it was made from.
struct Int8MeasureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Text on which int8 is compared with float32 (default: text that the int8 model samples).", valueName: "file"))
  var text: String?

  /// Reads the texts of `--text`; called before anything is written.
  func read() throws -> [String]? {
    try text.map { try readDocuments($0, strict: true).records }
  }

  func measure(int8: Model, float32: Model, on texts: [String]?, threads: Int) throws -> Int8Gap {
    let measure = try Int8Measure(int8: int8, float32: float32, threads: threads)
    guard let text, let texts else { return try measure.onSamples() }
    return try measure.onTexts(texts, at: text)
  }

  /// A sentence for people; a warning if the gap is so large that PPO would use float32 rollouts.
  func text(of gap: Int8Gap) -> String {
    let sentence = gap.text(of: text.map { "of \($0)" } ?? "that it sampled")
    guard !gap.isNear else { return "On the same tokens, \(sentence)" }
    return "warning: On the same tokens, \(sentence) That is more than \(Int8Gap.tolerated): int8 harms this model."
  }
}
