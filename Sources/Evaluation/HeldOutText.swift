import Inference
import Models
import Support
import Tokenizers
import Training

/// Held-out text for measuring a language model.
package struct HeldOutText {
  package let sequences: [TrainingSequence]
  /// Bytes of the tokens that are predicted; special tokens have none.
  package let bytes: Int

  package init(_ sequences: [TrainingSequence], _ tokenizer: Tokenizer) {
    self.sequences = sequences.filter { $0.targetCount > 0 }
    bytes = self.sequences.reduce(0) {
      $0 + tokenizer.decode($1.tokens[$1.learnFrom...], continuing: true).count
    }
  }

  /// Makes held-out text from whole documents, split at the context's length.
  package init(_ documents: [Tokenized<String>], _ tokenizer: Tokenizer, context: Int) {
    let fit = ContextFit(context)
    self.init(
      documents.flatMap { fit.pieces($0.tokens).map { TrainingSequence(tokens: Array($0)) } }, tokenizer)
  }

  package struct Figures {
    /// Mean loss [nats per token].
    package let loss: Double
    package let bitsPerByte: Double
    /// Tokens that were predicted.
    package let tokens: Int
    package let bytes: Int
  }

  package func figures(_ pass: SequencePass, _ weights: TransformerWeights) -> Figures {
    let (sum, tokens) = pass.negativeLogLikelihood(weights, sequences)
    return Figures(
      loss: sum / Double(max(1, tokens)),
      bitsPerByte: sum / DeterministicMath.log(2) / Double(max(1, bytes)), tokens: tokens,
      bytes: bytes)
  }
}
