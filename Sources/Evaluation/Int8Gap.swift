import Checkpoints
import Inference
import Models
import Support
import Tokenizers
import Training

/// The difference between an int8 model and the model that it was made from, which computes in float32, on tokens that
/// were not used to choose its balancing factors.
public struct Int8Gap: Sendable {
  /// The estimator k3, the mean importance weight and its spread. On tokens that the int8 model sampled, k3 estimates
  /// KL(int8 ‖ float32). On a given text it is a similar distance, but not an estimate of that KL.
  public let weights: ImportanceWeights
  /// Mean −log π [nats per token].
  public let float32Loss: Double
  public let int8Loss: Double
  /// The largest absolute difference of the two log-probabilities of a token [nats].
  public let largest: Double

  /// The largest tolerated k3 [nats per token]. Above it, rollouts are too far from the policy: an answer of a hundred
  /// tokens is one nat away before any training.
  public static let tolerated = 0.01

  /// Whether the gap is tolerated. NaN is not.
  public var isNear: Bool { weights.k3 <= Self.tolerated }

  /// - Parameters: log-probabilities of the same tokens by both models.
  package init(float32: [[Float]], int8: [[Float]]) {
    var weights = ImportanceWeights()
    var (sums, largest) = ((float32: 0.0, int8: 0.0), 0.0)
    for (a, b) in zip(float32.joined(), int8.joined()) {
      _ = weights.add(float32: a, sampled: b)
      sums.float32 -= Double(a)
      sums.int8 -= Double(b)
      largest = max(largest, (Double(a) - Double(b)).magnitude)
    }
    let count = Double(max(1, weights.tokens))
    self.weights = weights
    (float32Loss, int8Loss) = (sums.float32 / count, sums.int8 / count)
    self.largest = largest
  }

  /// The figures as a JSON object.
  public var json: JSONValue {
    .object([
      "tokens": .number(Double(weights.tokens)), "k3": .number(weights.k3), "float32_loss": .number(float32Loss),
      "int8_loss": .number(int8Loss), "largest": .number(largest), "mean_weight": .number(weights.mean),
      "effective_share": .number(weights.effectiveShare), "clipped_share": .number(weights.clippedFraction),
    ])
  }

  /// A sentence for people.
  public func text(of what: String) -> String {
    "int8 is \(Formatting.fixed(weights.k3, 5)) nats per token (k3) from float32 on \(weights.tokens) tokens \(what): "
      + "loss \(Formatting.fixed(int8Loss, 4)), in float32 \(Formatting.fixed(float32Loss, 4)); "
      + "mean weight \(Formatting.fixed(weights.mean, 4)), effective sample size "
      + "\(Formatting.fixed(100 * weights.effectiveShare, 1)) %, "
      + "\(Formatting.fixed(100 * weights.clippedFraction, 2)) % of the weights cut; "
      + "the largest difference is \(Formatting.fixed(largest, 2)) nats."
  }
}

extension Model {
  /// A sentence that says how much of an int8 model is float32.
  public var float32Share: String {
    let tensors = checkpoint.tensors(in: .weights, role: .policy).filter { $0.type == .float32 }
    let bytes = tensors.reduce(0) { $0 + $1.bytes.count }
    let share = 100 * Double(bytes) / Double(max(1, checkpoint.fileBytes))
    return "Positions, norms, biases and balancing factors stay float32: \(Formatting.bytes(bytes)), "
      + "\(Formatting.fixed(share, 1)) % of the file."
  }
}

/// Measures the difference between an int8 model and the model that it was made from, which computes in float32.
public final class Int8Measure {
  private let generator: Generator
  private let pass: SequencePass
  private let float32: TransformerWeights
  private let int8: TransformerWeights
  private let tokenizer: Tokenizer

  /// Number of sequences that the model samples, and tokens per sequence.
  private static let (sequences, length) = (32, 64)
  /// Maximum number of tokens of a text, and tokens per window.
  private static let (mostTokens, window) = (1 << 15, 256)

  public init(int8: Model, float32: Model, threads: Int) throws {
    let runtime = try ModelRuntime(float32.architecture, threads: threads)
    let transformer = try runtime.inferenceTransformer()
    generator = try runtime.generator(
      transformer, .int8, capacity: min(Self.window, float32.architecture.context))
    pass = try SequencePass(transformer, arena: runtime.arena)
    self.float32 = try float32.weights()
    self.int8 = try int8.weights()
    tokenizer = float32.tokenizer
  }

  /// Measures on sequences that the int8 model samples after a begin token.
  public func onSamples() throws -> Int8Gap {
    var options = SamplingOptions()
    options.maxNewTokens = min(Self.length, generator.capacity - 1)
    options.endTokens = tokenizer.endTokens
    let prompt = [tokenizer.beginToken ?? 0]
    let samples = try generator.run(
      [Generator.Request(prompt: prompt, stream: 0, samples: Self.sequences)], weights: int8, options: options,
      seed: 1, purpose: "int8/measure")[0]
    return Int8Gap(
      float32: pass.logprobs(float32, samples.map { (prompt, $0.tokens) }), int8: samples.map(\.logprobs))
  }

  /// Measures on the user's texts.
  /// - Throws: `Failure(.badData)` if no text has two tokens.
  public func onTexts(_ texts: [String], at place: String) throws -> Int8Gap {
    var windows: [[Int32]] = []
    var count = 0
    for text in texts where count < Self.mostTokens {
      let tokens = tokenizer.encode(document: text)
      for first in stride(from: 0, to: tokens.count, by: generator.capacity) where count < Self.mostTokens {
        let window = Array(tokens[first..<min(first + generator.capacity, tokens.count)])
        guard window.count > 1 else { continue }
        windows.append(window)
        count += window.count - 1
      }
    }
    guard count > 0 else {
      throw Failure(.badData, "has no text of two tokens or more", at: place, remedy: "Give a longer text.")
    }
    return Int8Gap(
      float32: pass.logprobs(float32, windows.map { (Array($0.prefix(1)), Array($0.dropFirst())) }),
      int8: generator.logprobs(of: windows, weights: int8))
  }
}
