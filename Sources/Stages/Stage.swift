/// A stage of the recipe. To add one, declare it here and add it to `all`.
public struct Stage: Hashable, Sendable {
  public static let pretrain = Stage(name: "pretrain")
  public static let sft = Stage(name: "sft")
  public static let rankings = Stage(name: "rankings", hasCommand: false)
  public static let reward = Stage(name: "reward")
  public static let ppo = Stage(name: "ppo")
  public static let eval = Stage(name: "eval", hasCommand: false)

  /// All stages, in the order in which they run.
  public static let all = [pretrain, sft, rankings, reward, ppo, eval]

  /// The name in the manifest, the metrics log and on the command line.
  public let name: String
  /// Whether a command of the same name runs this stage alone.
  public let hasCommand: Bool

  private init(name: String, hasCommand: Bool = true) {
    self.name = name
    self.hasCommand = hasCommand
  }
}
