import ArgumentParser
import Evaluation
import Inference

/// How PPO samples, the same in `ppo`, `plan` and `all`.
struct RolloutOptions: ParsableArguments {
  @Option(
    help: """
      Arithmetic of rollouts: int8 or float32. Without it int8, but float32 for a model that is more than \
      \(Int8Gap.tolerated) nats a token from its int8 form.
      """)
  var rolloutPrecision: RolloutPrecision?
}

extension RolloutPrecision: ExpressibleByArgument {}
