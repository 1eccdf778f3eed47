import Models
import Tensors

/// The memory and the transformers of one stage; freed when the stage ends.
public final class ModelRuntime {
  public let arena: Arena
  public let compute: Compute
  public let architecture: Architecture

  /// Tokens per training pass: enough for efficient matrix products, but few enough that the activations fit the memory
  /// of a laptop.
  public static let trainingRows = 512
  public static let inferenceRows = 512

  /// - Parameter arena: the stage's memory; pass a planning arena to compute the stage's memory without allocating it.
  public init(_ architecture: Architecture, threads: Int, arena: Arena = Arena()) throws {
    self.architecture = architecture
    self.arena = arena
    let widest = max(architecture.dModel, architecture.queryWidth, architecture.dFF)
    compute = try Compute(
      threads: threads, arena: arena, int8Rows: max(Self.inferenceRows, architecture.context),
      int8Columns: widest)
  }

  /// A transformer for training, whose passes hold at least `longest` tokens. If the stage has an `other` transformer,
  /// it shares that transformer's scratch memory for the heads.
  public func trainingTransformer(longest: Int = 0, sharingHeadsOf other: Transformer? = nil) throws -> Transformer {
    try Transformer(
      architecture, rows: max(Self.trainingRows, architecture.context, longest), training: true,
      sharingHeadsOf: other, compute: compute, arena: arena)
  }

  /// A transformer for inference.
  /// - Parameter other: an architecture to use instead of the stage's own.
  public func inferenceTransformer(longest: Int = 0, of other: Architecture? = nil) throws -> Transformer {
    let architecture = other ?? self.architecture
    return try Transformer(
      architecture, rows: max(Self.inferenceRows, architecture.context, longest), training: false,
      compute: compute, arena: arena)
  }

  /// A pass over sequences, on a transformer for inference.
  public func inferencePass() throws -> SequencePass {
    try SequencePass(try inferenceTransformer(), arena: arena)
  }

  /// A generator of `slots` sequences at a time, on a transformer for inference.
  public func generator(
    _ transformer: Transformer, _ precision: RolloutPrecision, slots: Int = 32,
    capacity: Int? = nil
  ) throws -> Generator {
    try Generator(
      transformer: transformer, slots: slots, capacity: capacity ?? architecture.context,
      keyValues: precision.keyValues, arena: arena)
  }
}

extension ModelRuntime {
  /// A language model's weights for inference; quantised here if int8 is wanted and the file is not.
  /// - Parameter transformer: the stage's transformer, which measures the channels to be balanced.
  func weights(of model: Model, precision: RolloutPrecision, on transformer: Transformer) throws
    -> TransformerWeights
  {
    guard !model.file.isInt8 else { return try model.weights() }
    return try weights(of: try model.parameters(), precision: precision, on: transformer)
  }

  /// Parameters as weights for inference, quantised if `precision` is int8.
  package func weights(of parameters: any StoredParameters, precision: RolloutPrecision, on transformer: Transformer) throws
    -> TransformerWeights
  {
    guard precision == .int8 else { return TransformerWeights(parameters) }
    let quantized = try QuantizedWeights(parameters.layout, arena: arena)
    try quantized.balance(by: parameters, on: transformer)
    return quantized.update(from: parameters, compute: compute)
  }
}
