import Inference
import Support

extension Settings {
  /// The hyper-parameters that were given but have no effect, because they belong to other stages or because of the
  /// values of other hyper-parameters.
  ///
  /// - Parameters:
  ///   - stages: the stages to run.
  ///   - further: hyper-parameters of other stages that are read, too.
  ///   - precision: the precision of PPO's rollouts.
  public func idle(
    in stages: [Stage], further: [Parameter] = [], precision: RolloutPrecision = .int8
  ) -> IdleOptions {
    var idle = IdleOptions()
    for stage in Stage.all where !stages.contains(stage) {
      let unread = Parameter.all.filter { $0.stage == stage && !further.contains($0) }
      idle.add(unread, of: self, because: "only the stage \(stage.name) reads such a value")
    }
    if stages.contains(.reward) { addReward(to: &idle) }
    if stages.contains(.ppo) { addPPO(precision, to: &idle) }
    return idle
  }

  /// - Throws: `Failure(.usage)` that names PPO's hyper-parameters that contradict each other.
  public func requireConsistent() throws {
    var refusals = Refusals()
    let (shortest, longest) = (count(.shortestResponse), count(.responseLength))
    if shortest > longest {
      refusals.add(
        Failure(
          .usage,
          "--min-response-length \(shortest) is above --response-length \(longest), so no answer could be long enough",
          remedy: "Lower it, or allow longer answers."))
    }
    let (parts, episodes) = (count(.ppoMiniBatches), min(count(.ppoBatch), count(.totalEpisodes)))
    if option(.ppoMiniBatches) != nil, parts > episodes {
      refusals.add(
        Failure(
          .usage, "--num-mini-batches \(parts) is above the \(episodes) episodes of an iteration",
          remedy: "Give fewer minibatches, or more episodes."))
    }
    try refusals.throwIfAny()
  }

  private func addReward(to idle: inout IdleOptions) {
    idle.add(
      [.rewardBatch, .rewardRate, .rewardCentering], of: self, if: self[.rewardEpochs] == 0,
      because: "without an epoch the reward model is not trained")
  }

  private func addPPO(_ precision: RolloutPrecision, to idle: inout IdleOptions) {
    idle.add(
      [.klTarget, .klHorizon, .klEstimator], of: self, if: self[.klCoefficient] == 0, because: "--kl-coef is 0")
    idle.add([.klHorizon], of: self, if: self[.klTarget] == 0, because: "--kl-target is 0, so β is fixed")
    idle.add(
      [.ptxRatio], of: self, if: self[.ptxCoefficient] == 0, because: "--ptx-coef is 0, so there is no pretraining mix")
    idle.add([.clipRangeValue], of: self, if: self[.valueCoefficient] == 0, because: "--vf-coef is 0")
    idle.add(
      [.missingEnd, .shortestResponse], of: self,
      if: self[.missingEndPenalty] == 0 && choice(.missingEnd) == "subtract",
      because: "--missing-eos-penalty is 0, so nothing is subtracted")
    idle.add(
      [.rolloutCorrection, .importanceCap], of: self, if: precision == .float32,
      because: "rollouts in float32 need no correction")
    idle.add(
      [.importanceCap], of: self, if: choice(.rolloutCorrection) == "none", because: "--rollout-correction is none")
  }
}
