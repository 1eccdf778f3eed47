import Models
import Tensors

/// The ranking loss on the scores at the last token of every answer.
struct RankingObjective: Objective {
  let outputs = HeadOutputs.scalars
  private let prompts: [RankedSequences]
  private var next = 0
  private(set) var loss: RankingLoss

  init(_ prompts: [RankedSequences], centering: Double = 0) {
    self.prompts = prompts
    loss = RankingLoss(prompts: max(1, prompts.count), centering: centering)
  }

  mutating func add(scalars chunk: OutputChunk) {
    var answer = 0
    while answer < chunk.values.count {
      let prompt = prompts[next]
      let answers = answer..<answer + prompt.ranks.count
      loss.add(
        scores: UnsafeBufferPointer(rebasing: chunk.values[answers]), ranks: prompt.ranks,
        margin: prompt.margin, gradient: chunk.gradient.baseAddress! + answer)
      answer = answers.upperBound
      next += 1
    }
  }
}

/// Trains and evaluates a reward model. All answers to a prompt are one batch element; the prompt and each distinct
/// answer are forwarded once (Ouyang et al. 2022, §3.5).
public final class RewardTrainer {
  public let pass: SequencePass

  /// - Parameter transformer: must hold all answers to a prompt in one pass.
  public convenience init(_ transformer: Transformer, arena: Arena) throws {
    self.init(try SequencePass(transformer, arena: arena))
  }

  init(_ pass: SequencePass) { self.pass = pass }

  /// Takes one optimizer step on the mean ranking loss over `prompts`.
  ///
  /// - Throws: `Failure(.failed)` if the loss or a gradient is not finite; no weight has changed then.
  public func step(
    _ model: TrainableModel, _ prompts: [RankedSequences], learningRate: Double,
    centering: Double = 0
  ) throws -> (loss: RankingLoss, gradientNorm: Double) {
    model.gradients.reset()
    var objective = RankingObjective(prompts, centering: centering)
    pass.learn(&objective, model.view, into: model.gradients, prompts, as: "learning")
    guard objective.loss.mean.isFinite else {
      throw model.refusal("the loss is")
    }
    let norm = try model.step(learningRate: learningRate, compute: pass.transformer.compute).norm
    return (objective.loss, norm)
  }

  /// The ranking loss without learning: accuracy on held-out comparisons.
  public func evaluate(
    _ model: SequencePass.Model, _ prompts: [RankedSequences]
  ) -> RankingLoss {
    var loss = RankingLoss(prompts: max(1, prompts.count))
    let scores = pass.scores(model, prompts.flatMap(\.sequences))
    var next = 0
    for prompt in prompts {
      let k = prompt.ranks.count
      _ = loss.add(
        scores: Array(scores[next..<next + k]), ranks: prompt.ranks, margin: prompt.margin)
      next += k
    }
    return loss
  }
}
