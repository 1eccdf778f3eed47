import ArgumentParser
import Stages
import Support

/// The choice of an epoch in SFT.
struct EpochChoice: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A reward model that chooses the epoch: the one whose answers to the prompts that are held out it likes \
      best. Without it, the last.
      """, valueName: "model"))
  var rewardModel: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Longest answer that --reward-model judges [tokens] (default: \(Parameter.responseLength.text(Parameter.responseLength.defaultValue)))",
      valueName: "n"))
  var responseLength: Double?

  func apply(to settings: inout Settings) throws {
    guard responseLength == nil || rewardModel != nil else {
      throw Failure(
        .usage, "--response-length is of the answers that a reward model judges",
        remedy: "Give --reward-model MODEL, or leave it out.")
    }
    try settings.set(.responseLength, responseLength)
  }

  /// Hyper-parameters of other stages that are read all the same.
  /// - Parameter rewardModel: by which an epoch is chosen, if one is.
  static func further(_ rewardModel: String?) -> [Parameter] { rewardModel == nil ? [] : [.responseLength] }

  /// What a resumed run must repeat for the same choice of an epoch.
  func choice(_ settings: Settings) -> [(String, String)] {
    guard let rewardModel else { return [] }
    let length = Parameter.responseLength
    return [("reward-model", rewardModel), (length.name, length.text(settings[length]))]
  }
}
