import Models
import Tensors

/// A loss of the target tokens' log-probabilities, averaged over the tokens of a step.
public protocol TokenObjective: Objective {
  /// - Parameters:
  ///   - tokens: target tokens in the whole step.
  ///   - coefficient: multiplies the gradient.
  init(tokens: Int, coefficient: Float)
  /// The mean so far, in nats per token, without the coefficient.
  var mean: Double { get }
}

/// The mean of −log π over tokens, times a coefficient.
public struct LanguageModelObjective: TokenObjective {
  public let outputs = HeadOutputs.logprobs
  /// Target tokens in the whole step.
  let tokens: Int
  var coefficient: Float = 1
  /// Σ −log π so far, in nats.
  private(set) var sum = 0.0

  public init(tokens: Int, coefficient: Float = 1) {
    self.tokens = tokens
    self.coefficient = coefficient
  }

  public mutating func add(logprobs chunk: OutputChunk) {
    chunk.gradient.update(repeating: -coefficient / Float(tokens))
    for logprob in chunk.values { sum -= Double(logprob) }
  }

  /// The mean so far, in nats per token, without the coefficient.
  public var mean: Double { sum / Double(tokens) }
}

/// Next-token training and evaluation: pretraining, SFT, and PPO's pretraining mix.
public final class LanguageModelTrainer {
  public let pass: SequencePass
  private var transformer: Transformer { pass.transformer }

  public convenience init(_ transformer: Transformer, arena: Arena) throws {
    self.init(try SequencePass(transformer, arena: arena))
  }

  init(_ pass: SequencePass) { self.pass = pass }

  /// Adds `coefficient` · ∂(mean loss)/∂θ to `gradients`; returns the mean loss in nats per target token, which is
  /// counted over all `sequences`.
  ///
  /// - Parameter dropout: applied to the sub-layers' outputs; nil for none.
  public func accumulate(
    _ weights: TransformerWeights, into gradients: Gradients, _ sequences: [TrainingSequence],
    coefficient: Float = 1, dropout: Dropout? = nil,
    objective: any TokenObjective.Type = LanguageModelObjective.self
  ) -> Double {
    // The usual objective is named, so that the compiler makes a version for it, which allocates nothing.
    objective == LanguageModelObjective.self
      ? accumulate(
        LanguageModelObjective.self, weights, into: gradients, sequences, coefficient: coefficient, dropout: dropout)
      : accumulate(objective, weights, into: gradients, sequences, coefficient: coefficient, dropout: dropout)
  }

  private func accumulate<Goal: TokenObjective>(
    _ objective: Goal.Type, _ weights: TransformerWeights, into gradients: Gradients,
    _ sequences: [TrainingSequence], coefficient: Float, dropout: Dropout?
  ) -> Double {
    let count = sequences.reduce(0) { $0 + $1.targetCount }
    guard count > 0 else { return 0 }
    transformer.dropout = dropout
    defer { transformer.dropout = nil }
    var objective = Goal(tokens: count, coefficient: coefficient)
    let model = SequencePass.Model(weights: weights)
    if Self.beginAlike(sequences) {
      let groups = PassGroup.grouping(
        sequences.map(\.passSequence), shortest: Self.shortestShared, limit: Self.largestGroup)
      pass.learn(&objective, model, into: gradients, groups, as: "learning")
    } else {
      pass.learn(&objective, model, into: gradients, sequences, as: "learning")
    }
    return objective.mean
  }

  /// Neighbouring sequences that share at least this many first tokens form a group; their common prefix is computed
  /// once. The grouping decides the order in which gradients are summed, so it affects the result of a step.
  /// It therefore depends on the sequences only.
  static let shortestShared = 16
  /// The most tokens in a group; every training pass has room for this many.
  static let largestGroup = 512

  private static func beginAlike(_ sequences: [TrainingSequence]) -> Bool {
    zip(sequences, sequences.dropFirst()).contains {
      SharedPrefix.common($0.tokens, $1.tokens, atMost: shortestShared) == shortestShared
    }
  }

  /// Takes one optimizer step on the mean loss over `sequences`.
  ///
  /// - Throws: `Failure(.failed)` if the loss or a gradient is not finite; no weight has changed then.
  public func step(
    _ model: TrainableModel, _ sequences: [TrainingSequence], learningRate: Double,
    dropout: Dropout? = nil, objective: any TokenObjective.Type = LanguageModelObjective.self
  ) throws -> (loss: Double, gradientNorm: Double) {
    model.gradients.reset()
    let loss = accumulate(
      model.weights, into: model.gradients, sequences, dropout: dropout, objective: objective)
    guard loss.isFinite else {
      throw model.refusal("the loss is")
    }
    let norm = try model.step(learningRate: learningRate, compute: transformer.compute).norm
    return (loss, norm)
  }
}
