import Inference
import Models
import Tokenizers
import Training
import World

/// Pretraining text as sequences of tokens: the built-in world's endless documents, or a file's.
public enum DocumentSource {
  case world(World)
  case texts(TokenizedTexts)

  /// The `index`-th training sequence of an endless stream.
  package func sequence(_ index: Int, tokenizer: Tokenizer, context: Int, seed: UInt64) -> TrainingSequence {
    switch self {
    case .world(let world):
      return Self.sequence(world.document(index), tokenizer: tokenizer, context: context)
    case .texts(let texts):
      return TrainingSequence(tokens: texts.training(index, seed: seed))
    }
  }

  /// Maximum number of tokens of a sequence.
  package func longest(context: Int) -> Int {
    switch self {
    case .world: context
    case .texts(let texts): min(texts.longest, context)
    }
  }

  /// Held-out text, at most `count` sequences.
  package func heldOut(_ count: Int, tokenizer: Tokenizer, context: Int) -> HeldOutText {
    switch self {
    case .world(let world):
      HeldOutText(
        (0..<count).map {
          Self.sequence(world.heldOutDocument($0), tokenizer: tokenizer, context: context)
        }, tokenizer)
    case .texts(let texts):
      HeldOutText(texts.heldOut(count).map { TrainingSequence(tokens: $0) }, tokenizer)
    }
  }

  private static func sequence(_ document: WorldDocument, tokenizer: Tokenizer, context: Int)
    -> TrainingSequence
  {
    let tokens =
      switch document {
      case .text(let text): tokenizer.encode(document: text)
      case .dialogue(let turns): tokenizer.encode(worldDialogue: turns)
      }
    return TrainingSequence(tokens: Array(tokens.prefix(context)))
  }
}
