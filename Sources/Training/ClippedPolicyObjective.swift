import Models

/// PPO's losses over the answers of a minibatch: the policy loss and, if the value head is on the policy's trunk,
/// the value loss. One backward pass computes the gradient of both.
struct ClippedPolicyObjective: Objective {
  let episodes: Episodes
  /// Index of each minibatch row in the episodes' per-token arrays.
  let tokens: [Int]
  private(set) var policy: PPOPolicyLoss
  private(set) var value: PPOValueLoss?

  var outputs: HeadOutputs {
    value == nil ? [.logprobs, .entropies] : [.logprobs, .entropies, .scalars]
  }

  init(_ episodes: Episodes, tokens: [Int], policy: PPOPolicyLoss, value: PPOValueLoss?) {
    self.episodes = episodes
    self.tokens = tokens
    self.policy = policy
    self.value = value
  }

  mutating func add(logprobs chunk: OutputChunk) {
    for i in chunk.values.indices {
      let t = tokens[chunk.first + i]
      chunk.gradient[i] = policy.add(
        logprob: chunk.values[i], oldLogprob: episodes.logprobs[t], advantage: episodes.advantages[t],
        weight: episodes.weights[t], entropy: chunk.entropies[i])
    }
  }

  mutating func add(scalars chunk: OutputChunk) {
    value?.add(chunk, episodes, tokens)
  }
}

/// The clipped loss of a separate value model over the answers of a minibatch.
struct ClippedValueObjective: Objective {
  let outputs = HeadOutputs.scalars
  let episodes: Episodes
  /// Index of each minibatch row in the episodes' per-token arrays.
  let tokens: [Int]
  private(set) var loss: PPOValueLoss

  init(_ episodes: Episodes, tokens: [Int], loss: PPOValueLoss) {
    self.episodes = episodes
    self.tokens = tokens
    self.loss = loss
  }

  mutating func add(scalars chunk: OutputChunk) {
    loss.add(chunk, episodes, tokens)
  }
}

extension PPOValueLoss {
  fileprivate mutating func add(_ chunk: OutputChunk, _ episodes: Episodes, _ tokens: [Int]) {
    for i in chunk.values.indices {
      let t = tokens[chunk.first + i]
      chunk.gradient[i] = add(
        value: chunk.values[i], oldValue: episodes.values[t], target: episodes.returns[t])
    }
  }
}
