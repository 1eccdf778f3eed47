import ArgumentParser
import Evaluation
import Inference

/// The rollout options of `ppo`, `plan` and `all`.
struct RolloutOptions: ParsableArguments {
  @Option(
    help: """
      Arithmetic of rollouts: int8 or float32 (default: int8, but float32 if the model's int8 form is more than \
      \(Int8Gap.tolerated) nats per token away).
      """)
  var rolloutPrecision: RolloutPrecision?
}

extension RolloutPrecision: ExpressibleByArgument {}
