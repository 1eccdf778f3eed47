import Checkpoints
import Models
import Support

extension Model {
  /// Writes this language model with its matrices in int8; positions, norms and biases stay float32.
  ///
  /// - Returns: the new model.
  /// - Throws: `Failure(.badData)` for a model of another kind or one that is int8 already.
  @discardableResult
  public func quantize(to path: String, threads: Int) throws -> Model {
    try requireLanguageModel()
    let draft = CheckpointDraft(
      kind: kind, architecture: architecture, tokenizer: tokenizer, seed: checkpoint.training.seed,
      step: Int(checkpoint.training.step),
      provenance: try Provenance(
        stage: kind == .base ? "pretrain" : kind.name, parents: [self], data: [], configuration: ["quantized": .string("int8")]))
    try draft.write(try int8Tensors(threads: threads), to: path)
    return try Model(Checkpoint(path: path))
  }

  /// Its int8 twin as the tensors of a checkpoint, made when they are written.
  func int8Tensors(threads: Int) throws -> [TensorSource] {
    let runtime = try ModelRuntime(architecture, threads: threads)
    return try parameters().int8Sources(on: try runtime.inferenceTransformer())
  }
}
