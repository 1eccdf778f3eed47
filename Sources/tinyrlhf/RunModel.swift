import Runs
import Stages
import Support

/// Which model of a run folder a command wants, where it is given the folder in a model's place.
enum RunModel {
  /// The policy of the furthest stage that is there, of its newest round.
  case policy
  case reward

  /// The file in `folder`, a run's; people are told which one it is.
  /// - Throws: `Failure(.badData)` for a run that has no such model.
  func file(in folder: String) throws -> String {
    for (file, kind) in candidates {
      guard let newest = try Round.newest(file, in: folder) else { continue }
      Console.error("\(folder): its \(kind) is taken, \(folder)/\(newest).")
      return "\(folder)/\(newest)"
    }
    throw missing(folder)
  }

  private var candidates: [(file: String, kind: String)] {
    let reward = (RewardStage.file, "reward model")
    guard self == .policy else { return [reward] }
    // A reward model is refused by what it is where another kind is wanted.
    return [
      (PPOStage.file, "PPO model"), (SFTStage.file, "SFT model"), (PretrainStage.file, "base model"), reward,
    ]
  }

  private func missing(_ folder: String) -> Failure {
    guard self == .reward else {
      return Failure(
        .badData, "this run has no model yet", at: folder, remedy: "Continue it with --resume.")
    }
    return Failure(
      .badData, "this run has no reward model (no \(RewardStage.file))", at: folder,
      remedy: "Name the folder or the file of one: `tinyrlhf reward` makes it.")
  }
}
