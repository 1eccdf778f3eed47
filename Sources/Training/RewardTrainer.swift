import Models
import Tensors

/// Trains and reads a reward model: all answers of a prompt are one batch element, each forwarded
/// once (Ouyang et al. 2022, §3.5).
public final class RewardTrainer: @unchecked Sendable {
  private let pass: ScalarPass
  private var compute: Compute { pass.transformer.compute }

  /// - Parameter transformer: holds all answers of a prompt in one pass.
  public init(_ transformer: Transformer, arena: Arena) throws {
    pass = try ScalarPass(transformer, arena: arena)
  }

  /// One optimizer step on the mean ranking loss over `prompts`.
  ///
  /// - Throws: `Failure(.failed)` when the loss or a gradient is not finite; nothing is touched then.
  public func step(
    _ model: TrainableModel, _ prompts: [RankedSequences], learningRate: Double,
    centering: Double = 0
  ) throws -> (loss: RankingLoss, gradientNorm: Double) {
    model.gradients.reset()
    var loss = RankingLoss(prompts: prompts.count, centering: centering)
    for range in microBatches(prompts.map(\.tokenCount), capacity: pass.transformer.rows) {
      let scores = pass.forward(
        model.parameters, model.weights,
        sequences: prompts[range].flatMap(\.sequences).map(Self.lastToken))
      var next = 0
      for prompt in prompts[range] {
        let k = prompt.ranks.count
        let gradient = loss.add(
          scores: Array(scores[next..<next + k]), ranks: prompt.ranks, margin: prompt.margin)
        for i in 0..<k { pass.gradients[next + i] = gradient[i] }
        next += k
      }
      pass.backward(model)
    }
    guard loss.mean.isFinite else {
      throw model.optimizer.refusal("the loss is not finite")
    }
    return (loss, try model.step(learningRate: learningRate, compute: compute))
  }

  /// The ranking loss without learning: accuracy on held-out comparisons.
  public func evaluate(
    _ parameters: ParameterSet, _ weights: TransformerWeights, _ prompts: [RankedSequences]
  ) -> RankingLoss {
    var loss = RankingLoss(prompts: max(1, prompts.count))
    let scores = scores(parameters, weights, prompts.flatMap(\.sequences))
    var next = 0
    for prompt in prompts {
      let k = prompt.ranks.count
      _ = loss.add(
        scores: Array(scores[next..<next + k]), ranks: prompt.ranks, margin: prompt.margin)
      next += k
    }
    return loss
  }

  /// The raw score of each sequence, read at its last token.
  public func scores(
    _ parameters: ParameterSet, _ weights: TransformerWeights, _ sequences: [[Int32]]
  ) -> [Float] {
    pass.values(parameters, weights, sequences.map(Self.lastToken))
  }

  private static func lastToken(_ sequence: [Int32]) -> (tokens: [Int32], rows: Range<Int>) {
    (sequence, sequence.count - 1..<sequence.count)
  }
}
