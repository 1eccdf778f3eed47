/// The model outputs that an objective reads at the rows of a pass.
public struct HeadOutputs: OptionSet, Sendable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// log π of the token that follows each row.
  public static let logprobs = HeadOutputs(rawValue: 1)
  /// Entropies of the next token, beside `logprobs`.
  public static let entropies = HeadOutputs(rawValue: 2)
  /// The scalar head's output at each row.
  public static let scalars = HeadOutputs(rawValue: 4)
}

/// Outputs of one head at consecutive rows, and the buffer for their gradient.
public struct OutputChunk {
  /// Index of the first row among all rows that the step reads, in order.
  public let first: Int
  /// Log-probabilities in nats, or scalars, [count].
  public let values: UnsafeBufferPointer<Float>
  /// Entropies in nats, [count]; empty unless the objective reads entropies.
  public let entropies: UnsafeBufferPointer<Float>
  /// ∂L/∂value, [count]; written by the objective.
  public let gradient: UnsafeMutableBufferPointer<Float>
}

/// A loss that is a function of the outputs of a model's heads, row by row.
///
/// A step passes every row once, in order, in chunks. The sums must not depend on the chunk boundaries, so that
/// micro-batches do not change the result. All scalars of a unit (`PassUnit`) are in one chunk.
///
///     struct LanguageModelObjective: Objective {
///       let outputs = HeadOutputs.logprobs
///       mutating func add(logprobs chunk: OutputChunk) {
///         for i in chunk.values.indices { chunk.gradient[i] = -1 / Float(tokens) }
///       }
///     }
public protocol Objective {
  var outputs: HeadOutputs { get }
  /// Adds rows to the loss, and writes the gradient of their log-probabilities.
  mutating func add(logprobs chunk: OutputChunk)
  /// Adds rows to the loss, and writes the gradient of their scalars.
  mutating func add(scalars chunk: OutputChunk)
}

extension Objective {
  public mutating func add(logprobs chunk: OutputChunk) {
    preconditionFailure("an objective that reads log-probabilities must implement add(logprobs:)")
  }

  public mutating func add(scalars chunk: OutputChunk) {
    preconditionFailure("an objective that reads scalars must implement add(scalars:)")
  }
}
