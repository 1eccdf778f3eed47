import Dialogues
import Runs

/// Which of the user's rows are held out and for what; also what follows if there are too few rows to hold some out.
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
      familiar: familiar(training: training.map(\.prompt), heldOut: heldOut.map(\.prompt)))
  }

  static func prompts(training: [Prompt], heldOut: [Prompt]) -> Self {
    Self(
      prompts, heldOut: heldOut.count, of: training.count + heldOut.count,
      use: heldOut.isEmpty
        ? "the models are compared on prompts that PPO learns from" : "the models are compared on them",
      familiar: familiar(training: training, heldOut: heldOut))
  }

  private static func familiar(training: [Prompt], heldOut: [Prompt]) -> Int {
    let seen = Set(training)
    return heldOut.count(where: seen.contains)
  }
}
