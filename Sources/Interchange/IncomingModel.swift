import Checkpoints
import Models
import Support
import Tokenizers

/// A model of another program, what it says of itself understood and its tensors found, but not yet read.
public protocol IncomingModel {
  var architecture: Architecture { get }
  /// The class in `transformers`, for people.
  var className: String { get }
  var isReward: Bool { get }
  /// A reward model that came without a normalisation has to be normalised before PPO.
  var isNormalized: Bool { get }
  /// Of a reward model: the token that fills batches. `transformers` reads the score of the last token that
  /// is another; nil where the last of all is read.
  var padToken: Int? { get }
  /// What the model says and this program ignores, a sentence each.
  var warnings: [String] { get }
  /// Elements of all tensors.
  var parameterCount: Int { get }
  /// Types of blocks that the weights were quantised to, the most frequent first: `Q4_K`.
  var quantizedTypes: [String] { get }

  /// - Returns: the model's tokenizer, and what is to be said about it, a sentence each.
  /// - Throws: `Failure(.badData)` that names what is unknown, damaged or missing.
  func tokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String])

  /// Every file that was read, with the XXH64 of its bytes.
  func sources() throws -> [(name: String, hash: UInt64)]

  /// The tensors of a checkpoint with this model, float32.
  var tensors: [TensorSource] { get }
}

/// Opens models of other programs.
public enum IncomingModels {
  /// - Parameters:
  ///   - path: a folder in Hugging Face's form, or a GGUF file.
  ///   - context: the longest sequence; the model's own without it.
  /// - Throws: `Failure(.badData)` that says what a path is, if it is no model that can be imported, what is damaged,
  ///   and what this program does not compute; `.usage` for a context that the model does not have.
  public static func open(_ path: String, context: Int? = nil) throws -> any IncomingModel {
    let isGGUF = !ForeignFolder.isFolder(path) && ForeignFile(path: path) == .gguf
    return isGGUF ? try GGUFModel(path, context: context) : try HuggingFaceModel(folder: path, context: context)
  }

  /// The model's architecture with the context that is wanted.
  static func architecture(_ own: Architecture, context: Int?) throws -> Architecture {
    guard let context else { return own }
    guard (1...own.context).contains(context) else {
      throw Failure(
        .usage, "--context \(context) is not in 1…\(own.context), what the model has",
        remedy: "Choose a number between them.")
    }
    var architecture = own
    architecture.context = context
    return architecture
  }
}
