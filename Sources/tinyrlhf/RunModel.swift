import Runs
import Stages
import Support

/// Which model of a run folder a command uses if it is given the folder as MODEL.
enum RunModel {
  /// The policy of the latest finished stage, in its newest round.
  case policy
  case reward

  /// The model's path in `folder`, a run folder. Prints which file it is to standard error.
  /// - Throws: `Failure(.badData)` if the run has no such model.
  func file(in folder: String) throws -> String {
    for (file, kind) in candidates {
      guard let newest = try Round.newest(file, in: folder) else { continue }
      Console.error("\(folder): its \(kind) is used, \(folder)/\(newest).")
      return "\(folder)/\(newest)"
    }
    throw missing(folder)
  }

  private var candidates: [(file: String, kind: String)] {
    let reward = (RewardStage.file, "reward model")
    guard self == .policy else { return [reward] }
    // The reward model comes last: a command that needs another kind then says that this is a reward model.
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
      remedy: "Give the folder or file of a reward model; `tinyrlhf reward` makes one.")
  }
}
