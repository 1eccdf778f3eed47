import Dialogues
import Runs

/// What rows of the user's are held out for, and what it means where they are too few.
extension Summary.HeldOutRows {
  static func demonstrations(_ heldOut: Int, of count: Int) -> Self {
    Self(
      "demonstrations", heldOut: heldOut, of: count,
      use: heldOut == 0 ? "no validation loss is measured" : "they measure the validation loss")
  }

  static func comparisons(training: [Comparison], heldOut: [Comparison]) -> Self {
    Self(
      "comparisons", heldOut: heldOut.count, of: training.count + heldOut.count,
      use: heldOut.isEmpty
        ? "the reward model's accuracy is not measured" : "they measure the reward model's accuracy",
      familiar: familiar(training.map(\.prompt), heldOut.map(\.prompt)))
  }

  static func prompts(training: [Prompt], heldOut: [Prompt]) -> Self {
    Self(
      prompts, heldOut: heldOut.count, of: training.count + heldOut.count,
      use: heldOut.isEmpty
        ? "the models are compared on prompts that PPO learns from" : "the models are compared on them",
      familiar: familiar(training, heldOut))
  }

  private static func familiar(_ training: [Prompt], _ heldOut: [Prompt]) -> Int {
    let seen = Set(training)
    return heldOut.count(where: seen.contains)
  }
}
