/// The stages of the recipe, in order.
public enum Stage: String, CaseIterable, Sendable {
  case pretrain, sft, rankings, reward, ppo, eval
}
