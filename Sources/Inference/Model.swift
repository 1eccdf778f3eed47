import Checkpoints
import Models
import Support
import Tokenizers

/// A model with all that its use needs, from one file.
public final class Model {
  public let file: ModelFile
  public let tokenizer: Tokenizer

  /// - Parameter checkpoint: mapped copy-on-write when the model will be trained in place.
  /// - Throws: `Failure(.badData)` for a file without a tokenizer or with tensors that do not fit.
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
        "the tokenizer has \(tokenizer.vocabularyCount) tokens, "
          + "the embedding \(file.architecture.vocabulary)",
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
  package func requireLanguageOrRewardModel(_ purpose: String = "a language model or a reward model") throws {
    try require(ModelKind.all.filter { $0.isLanguageModel || $0 == .reward }, purpose)
  }

  private func require(_ kinds: [ModelKind], _ purpose: String) throws {
    guard !kinds.contains(kind) else { return }
    let names = kinds.map(\.name).joined(separator: " or ")
    throw Failure(
      .badData, "is a \(kind) model, and \(purpose) is needed", at: name,
      remedy: "Name a checkpoint that `tinyrlhf inspect` shows as \(names).", code: .wrongModel)
  }

  /// - Throws: `Failure(.badData)` when another model was trained with another tokenizer.
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

  /// - Throws: `Failure(.badData)` when this model cannot read all that another one reads and writes.
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

  /// - Throws: `Failure(.badData)` when the two cannot take turns in the same memory.
  package func requireSameArchitecture(as other: Model) throws {
    guard architecture != other.architecture else { return }
    throw Failure(
      .badData, "has another architecture than \(other.name)", at: name,
      remedy: "Use models that were made from the same base.", code: .wrongModel)
  }

  /// What computes, float32 or int8 as the file has it.
  ///
  /// - Throws: as `parameters()`.
  package func weights() throws -> TransformerWeights {
    try checkpoint.checkStillWhole()
    return file.isInt8 ? try file.weights() : TransformerWeights(try parameters())
  }

  /// The float32 parameters. All are read once: one NaN would spoil everything that follows, and
  /// not always visibly.
  ///
  /// - Throws: `Failure(.badData)` for an int8 model, and for a weight that is not finite;
  ///   `.inputOutput` when the file was cut short since it was opened.
  package func parameters() throws -> ParameterSet {
    try checkpoint.checkStillWhole()
    let parameters = try file.parameters()
    if let place = parameters.firstNonFinite {
      throw Failure(
        .badData, "the weight \(place) is not finite", at: name,
        remedy: "Check the file with `tinyrlhf inspect --verify`, or use an earlier checkpoint.")
    }
    return parameters
  }

  /// Gain and bias of a reward model; nil for one of another program, which has none.
  ///
  /// - Throws: `Failure(.badData)` for others than two finite numbers.
  public func normalization() throws -> RewardNormalization? {
    let tensors = checkpoint.tensors(in: .head, role: .policy)
    guard let tensor = tensors.first(where: { $0.name == ModelFile.normalizationName }) else { return nil }
    guard tensor.type == .float32, tensor.dims == [2], tensor.floats[0].isFinite,
      tensor.floats[1].isFinite
    else {
      throw Failure(
        .badData, "the tensor \(tensor.name) is not two finite float32, gain and bias", at: name,
        remedy: "Train it with `tinyrlhf reward`, which measures its gain and bias.")
    }
    return RewardNormalization(gain: tensor.floats[0], bias: tensor.floats[1])
  }

  /// What is to be said of a reward model whose scores are not normalised; nil for all other models.
  public func noteOfRawScores() throws -> String? {
    guard kind == .reward, try normalization() == nil else { return nil }
    return "\(name) has no normalisation: its scores are the raw logits of its head."
  }
}
