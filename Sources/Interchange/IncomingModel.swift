import Checkpoints
import Models
import Support
import Tokenizers

/// A model from another program. Its configuration and the positions of its tensors are known, but the tensors are
/// not yet read.
public protocol IncomingModel {
  var architecture: Architecture { get }
  /// The class in `transformers`, shown to people.
  var className: String { get }
  var isReward: Bool { get }
  /// Whether the reward model has a normalisation; without one it must be normalised before PPO.
  var isNormalized: Bool { get }
  /// For a reward model: the padding token of batches. `transformers` reads the score of the last token that differs
  /// from it; nil if the score of the very last token is read.
  var padToken: Int? { get }
  /// Statements of the model that this program ignores, one sentence each.
  var warnings: [String] { get }
  /// The number of elements of all tensors.
  var parameterCount: Int { get }
  /// Block types of quantised weights, the most frequent first: `Q4_K`.
  var quantizedTypes: [String] { get }

  /// - Returns: the model's tokenizer, and notes for the user, one sentence each.
  /// - Throws: `Failure(.badData)` that names what is unknown, damaged or missing.
  func tokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String])

  /// All files that were read, each with the XXH64 of its bytes.
  func sources() throws -> [(name: String, hash: UInt64)]

  /// The tensors for a checkpoint of this model.
  /// - Parameter rounding: counts the values that `types` changes while the tensors are written.
  func tensors(as types: ImportedType, _ rounding: RoundingCount) -> [TensorSource]
}

/// Opens models from other programs.
public enum IncomingModels {
  /// - Parameters:
  ///   - path: a folder in Hugging Face's form, or a GGUF file.
  ///   - context: the longest sequence; nil for the model's own value.
  /// - Throws: `Failure(.badData)` that tells what the path is if it cannot be imported, what is damaged, or what
  ///   this program does not compute; `.usage` for a context that the model does not support.
  public static func open(_ path: String, context: Int? = nil) throws -> any IncomingModel {
    let isGGUF = !ForeignFolder.isFolder(path) && ForeignFile(path: path) == .gguf
    return isGGUF ? try GGUFModel(path, context: context) : try HuggingFaceModel(folder: path, context: context)
  }

  /// The model's architecture with the requested context.
  static func architecture(_ own: Architecture, context: Int?) throws -> Architecture {
    guard let context else { return own }
    guard (1...own.context).contains(context) else {
      throw Failure(
        .usage, "--context \(context) is not in 1…\(own.context), the range of the model",
        remedy: "Choose a number in this range.")
    }
    var architecture = own
    architecture.context = context
    return architecture
  }
}
