import ArgumentParser
import Stages
import Support

/// Options of SFT that choose which epoch is kept.
struct EpochChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Keep the epoch whose held-out answers this reward model scores highest (default: the last epoch).
      """, valueName: "model"))
  var rewardModel: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Longest answer that --reward-model scores [tokens] \
      (default: \(Parameter.responseLength.text(Parameter.responseLength.defaultValue)))
      """,
      valueName: "n"))
  var responseLength: Double?

  func apply(to settings: inout Settings) throws {
    guard responseLength == nil || rewardModel != nil else {
      throw Failure(
        .usage, "--response-length only applies with --reward-model",
        remedy: "Give --reward-model MODEL, or leave --response-length out.")
    }
    try settings.set(.responseLength, responseLength)
  }

  /// Hyper-parameters of other stages that SFT also reads.
  /// - Parameter rewardModel: the reward model that chooses the epoch, if any.
  static func further(_ rewardModel: String?) -> [Parameter] { rewardModel == nil ? [] : [.responseLength] }

  /// Options that a resumed run must repeat to choose the same epoch.
  func choice(_ settings: Settings) -> [(String, String)] {
    guard let rewardModel else { return [] }
    let length = Parameter.responseLength
    return [("reward-model", rewardModel), (length.name, length.text(settings[length]))]
  }
}
