import Inference
import Models
import Tensors

/// The memory of an evaluation: for answers, log-probabilities and scores.
package struct EvaluationMemory {
  package let runtime: ModelRuntime
  package let generator: Generator
  /// Reads log-probabilities and scores.
  package let pass: SequencePass

  /// - Parameter arena: pass a planning arena to compute the evaluation's memory without allocating it.
  package init(_ architecture: Architecture, threads: Int, arena: Arena = Arena()) throws {
    runtime = try ModelRuntime(architecture, threads: threads, arena: arena)
    let transformer = try runtime.inferenceTransformer()
    generator = try runtime.generator(transformer, .float32, slots: 48)
    pass = try SequencePass(transformer, arena: runtime.arena)
  }
}
