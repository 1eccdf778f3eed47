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
    forEachMicroBatch(
      of: prompts.count, capacity: pass.transformer.rows, as: "learning", length: { prompts[$0].tokenCount }
    ) { range in
      pass.removeAll()
      for prompt in prompts[range] {
        for sequence in prompt.sequences { appendLastToken(sequence) }
      }
      let scores = pass.forward(model.parameters, model.weights)
      var next = 0
      for prompt in prompts[range] {
        let k = prompt.ranks.count
        loss.add(
          scores: UnsafeBufferPointer(rebasing: scores[next..<next + k]), ranks: prompt.ranks,
          margin: prompt.margin, gradient: pass.gradients + next)
        next += k
      }
      pass.backward(model)
    }
    guard loss.mean.isFinite else {
      throw model.refusal("the loss is")
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
    pass.values(
      parameters, weights, of: sequences.count, length: { sequences[$0].count },
      add: { appendLastToken(sequences[$0]) })
  }

  /// What a head sees of each sequence at its last token, [count · d].
  public func features(_ weights: TransformerWeights, _ sequences: [[Int32]]) -> [Float] {
    pass.features(
      weights, of: sequences.count, length: { sequences[$0].count },
      add: { appendLastToken(sequences[$0]) })
  }

  private func appendLastToken(_ sequence: [Int32]) {
    pass.append(sequence, rows: RankedSequences.scoredRows(of: sequence))
  }
}
