import Models
import Support

extension Model {
  /// Writes this language model with its projections in int8, embeddings and norms in float32.
  ///
  /// - Returns: the identity of the new checkpoint.
  /// - Throws: `Failure(.badData)` for a model of another kind or one that is int8 already.
  @discardableResult
  public func quantize(to path: String, threads: Int) throws -> UInt64 {
    try require(.base, .sft, .ppo, toBe: "a language model")
    let parameters = try self.parameters()
    let bench = try Workbench(architecture, threads: threads)
    let quantized = try QuantizedWeights(file.layout, arena: bench.arena)
    _ = quantized.update(from: parameters, compute: bench.compute)
    let stage: Stage = kind == .base ? .pretrain : kind == .sft ? .sft : .ppo
    let draft = CheckpointDraft(
      kind: kind, architecture: architecture, tokenizer: tokenizer, seed: checkpoint.training.seed,
      step: Int(checkpoint.training.step),
      provenance: try Provenance(
        stage: stage, parents: [self], data: [], configuration: ["quantized": .string("int8")]))
    return try draft.write(quantized.sources(over: parameters), to: path)
  }
}
