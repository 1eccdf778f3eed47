import Checkpoints
import Models
import Support

extension Model {
  /// Writes this language model with int8 matrices; positions, norms and biases stay float32.
  ///
  /// - Returns: the new model.
  /// - Throws: `Failure(.badData)` for a model that is not a language model or is already int8.
  @discardableResult
  public func quantize(to path: String, threads: Int) throws -> Model {
    try requireLanguageModel()
    let draft = CheckpointDraft(
      kind: kind, architecture: architecture, tokenizer: tokenizer, seed: checkpoint.training.seed,
      step: Int(checkpoint.training.step),
      provenance: try Provenance(
        stage: kind == .base ? "pretrain" : kind.name, parents: [self], data: [],
        configuration: ["quantized": .string("int8")]))
    try draft.write(try int8Tensors(threads: threads), to: path)
    return try Model(Checkpoint(path: path))
  }

  /// The tensors of this model in int8 for a checkpoint; they are computed when they are written.
  func int8Tensors(threads: Int) throws -> [TensorSource] {
    let runtime = try ModelRuntime(architecture, threads: threads)
    return try parameters().int8Sources(on: try runtime.inferenceTransformer())
  }
}
