/// A stage of the recipe. A new one is a line here and one in `all`.
public struct Stage: Hashable, Sendable {
  public static let pretrain = Stage(name: "pretrain")
  public static let sft = Stage(name: "sft")
  public static let rankings = Stage(name: "rankings", hasCommand: false)
  public static let reward = Stage(name: "reward")
  public static let ppo = Stage(name: "ppo")
  public static let eval = Stage(name: "eval", hasCommand: false)

  /// In the order in which they run.
  public static let all = [pretrain, sft, rankings, reward, ppo, eval]

  /// In the manifest, the metrics log and on the command line.
  public let name: String
  /// Whether a command of the same name runs it alone.
  public let hasCommand: Bool

  private init(name: String, hasCommand: Bool = true) {
    self.name = name
    self.hasCommand = hasCommand
  }
}
