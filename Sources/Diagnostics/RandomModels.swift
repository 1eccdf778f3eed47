import Models
import Stages
import Tensors
import Training

/// Models with random weights in their own memory, like mapped files. Used by benchmark and self-test.
struct RandomModels {
  let policy: ParameterSet
  let reference: ParameterSet
  let ppo: PPOMemory.Models

  init(_ architecture: Architecture) throws {
    let arena = Arena()
    func make(_ name: String, head: Bool = false) throws -> ParameterSet {
      let set = try ParameterSet(
        ParameterLayout(architecture, scalarHead: head), name: name, arena: arena)
      set.initialize(seed: head ? 2 : 1)
      return set
    }
    policy = try make("policy")
    reference = try make("reference")
    ppo = PPOMemory.Models(
      policy: policy, reference: reference, reward: try make("reward model", head: true),
      normalization: RewardNormalization(gain: 1, bias: 0))
  }
}
