import Checkpoints
import Models
import Support
import Tokenizers

/// A model from one file, with the tokenizer and everything else that is needed to use it.
public final class Model {
  public let file: ModelFile
  public let tokenizer: Tokenizer

  /// - Parameter checkpoint: must be mapped copy-on-write if the model will be trained in place.
  /// - Throws: `Failure(.badData)` for a file without a tokenizer or with tensors of wrong shapes.
  public init(_ checkpoint: Checkpoint) throws {
    file = try ModelFile(checkpoint)
    guard checkpoint.has(.tokenizer, .none) else {
      throw Failure(.badData, "has no TOKENIZER section", at: checkpoint.path,
        remedy: ModelFile.remedy)
    }
    tokenizer = try Tokenizer(serialized: checkpoint.tokenizer, at: "\(checkpoint.path), tokenizer")
    guard tokenizer.vocabularyCount <= file.architecture.vocabulary else {
      throw Failure(
        .badData,
        "the tokenizer has \(tokenizer.vocabularyCount) tokens, but "
          + "the embedding has \(file.architecture.vocabulary)",
        at: checkpoint.path, remedy: ModelFile.remedy)
    }
  }

  public var checkpoint: Checkpoint { file.checkpoint }
  public var architecture: Architecture { file.architecture }
  public var kind: ModelKind { checkpoint.training.kind }
  public var name: String { checkpoint.path }

  /// - Throws: `Failure(.badData)` for a model that predicts no tokens.
  public func requireLanguageModel(_ purpose: String = "a language model") throws {
    try require(ModelKind.all.filter(\.isLanguageModel), purpose)
  }

  /// - Throws: `Failure(.badData)` for a model without a reward head.
  public func requireRewardModel() throws { try require([.reward], "a reward model") }

  /// - Throws: `Failure(.badData)` for a model that neither predicts tokens nor gives rewards.
  package func requireLanguageOrRewardModel(_ purpose: String) throws {
    try require(ModelKind.all.filter { $0.isLanguageModel || $0 == .reward }, purpose)
  }

  private func require(_ kinds: [ModelKind], _ purpose: String) throws {
    guard !kinds.contains(kind) else { return }
    let names = kinds.map(\.name).joined(separator: " or ")
    throw Failure(
      .badData, "is a \(kind) model, and \(purpose) is needed", at: name,
      remedy: "Give a checkpoint whose kind is \(names); `tinyrlhf inspect` shows the kind.", code: .wrongModel)
  }

  /// - Throws: `Failure(.badData)` if the two models have different tokenizers or chat formats.
  public func requireSameTokenizer(as other: Model) throws {
    guard !tokenizer.isSame(as: other.tokenizer) else { return }
    if tokenizer.hasSameVocabulary(as: other.tokenizer) {
      throw Failure(
        .badData, "has another chat format than \(other.name)", at: name,
        remedy: "Import it again with the same --chat-template or --chat-format.", code: .wrongModel)
    }
    throw Failure(
      .badData, "has another tokenizer than \(other.name)", at: name,
      remedy: "Use models that were made from the same base.", code: .wrongModel)
  }

  /// - Throws: `Failure(.badData)` if this model has another tokenizer or a shorter context than `other`, and so cannot
  ///   read all of its texts.
  package func requireToRead(_ other: Model) throws {
    try requireSameTokenizer(as: other)
    guard architecture.context >= other.architecture.context else {
      throw Failure(
        .badData,
        "has a context of \(architecture.context) tokens, "
          + "\(other.name) one of \(other.architecture.context)",
        at: name, remedy: "Use models that were made from the same base.", code: .wrongModel)
    }
  }

  /// - Throws: `Failure(.badData)` if the two models have different architectures, so that they cannot share memory.
  package func requireSameArchitecture(as other: Model) throws {
    guard architecture != other.architecture else { return }
    throw Failure(
      .badData, "has another architecture than \(other.name)", at: name,
      remedy: "Use models that were made from the same base.", code: .wrongModel)
  }

  /// The weights for computing, as they are stored in the file.
  ///
  /// - Throws: like `parameters()`.
  package func weights() throws -> TransformerWeights {
    try checkpoint.checkStillWhole()
    return file.isInt8 ? try file.weights() : TransformerWeights(try parameters())
  }

  /// The parameters, which are not int8. All are read once to check that they are finite, because one NaN would spoil all later
  /// results, and not always visibly.
  ///
  /// - Throws: `Failure(.badData)` for an int8 model, and for a weight that is not finite;
  ///   `.inputOutput` when the file was cut short since it was opened.
  package func parameters() throws -> any StoredParameters {
    try checkpoint.checkStillWhole()
    let parameters = try file.parameters()
    if let place = parameters.firstNonFinite {
      throw Failure(
        .badData, "the weight \(place) is not finite", at: name,
        remedy: "Check the file with `tinyrlhf inspect --verify`, or use an earlier checkpoint.")
    }
    return parameters
  }

  /// Gain and bias of a reward model; nil for a reward model of another program, which has no normalisation.
  ///
  /// - Throws: `Failure(.badData)` if the tensor is not two finite float32 numbers.
  public func normalization() throws -> RewardNormalization? { try file.normalization() }

  /// A note about a reward model whose scores are not normalised; nil for all other models.
  public func noteOfRawScores() throws -> String? {
    guard kind == .reward, try normalization() == nil else { return nil }
    return "\(name) has no normalisation: its scores are the raw logits of its head."
  }
}
