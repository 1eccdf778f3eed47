import Support
import Tensors

/// Batched generation: prompts are computed once for all their samples, finished sequences leave
/// the batch and waiting ones take their slots.
///
/// A sequence's tokens depend on its prompt, the weights and its own random stream alone, never on
/// what shares its batch.
public final class Generator: @unchecked Sendable {
  /// One prompt and the samples wanted of it.
  public struct Request: Sendable {
    public var prompt: [Int32]
    /// The random stream of the first sample; the others follow.
    public var stream: UInt64
    public var samples: Int

    public init(prompt: [Int32], stream: UInt64, samples: Int = 1) {
      self.prompt = prompt
      self.stream = stream
      self.samples = samples
    }
  }

  public enum Finish: String, Sendable { case stop, length }

  public struct Sample: Sendable {
    /// With the end token, if it came.
    public var tokens: [Int32] = []
    /// Of each token, under the distribution it was drawn from.
    public var logprobs: [Float] = []
    public var finish = Finish.length
  }

  private struct Sequence {
    let request: Int
    let sample: Int
    let slot: Int
    var random: RandomStream
    /// Positions in the cache: all tokens but the one drawn last.
    var length: Int
    var result: Sample
  }

  /// Tokens of a prompt and its answer together.
  public let capacity: Int
  private let transformer: Transformer
  private let cache: KVCache
  private let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>
  private let uniforms: UnsafeMutablePointer<Float>
  private let drawn: UnsafeMutablePointer<Int32>
  private let logprobs: UnsafeMutablePointer<Float>
  private var freeSlots: [Int]
  private var active: [Sequence] = []

  /// - Parameters:
  ///   - slots: sequences generated at a time.
  ///   - capacity: tokens of a prompt and its answer together.
  ///   - keyValues: what the cache keeps. With int8 the log-probabilities are those of what is
  ///     sampled, but no longer the training path's.
  public init(
    transformer: Transformer, slots: Int, capacity: Int, keyValues: KeyValuePrecision, arena: Arena
  ) throws {
    precondition(
      transformer.rows >= max(slots, capacity),
      "a pass of \(transformer.rows) tokens, \(slots) slots of \(capacity)")
    precondition(
      capacity <= transformer.architecture.context,
      "slots of \(capacity) in a context of \(transformer.architecture.context)")
    self.transformer = transformer
    self.capacity = capacity
    cache = try KVCache(
      transformer.architecture, slots: slots, capacity: capacity, precision: keyValues,
      arena: arena)
    batch = try TokenBatch(capacity: transformer.rows, name: "generation batch", arena: arena)
    rows = try arena.allocate("generation rows", slots, of: Int32.self)
    uniforms = try arena.floats("generation uniforms", slots)
    drawn = try arena.allocate("generation tokens", slots, of: Int32.self)
    logprobs = try arena.floats("generation log-probabilities", slots)
    freeSlots = Array((0..<slots).reversed())
    active.reserveCapacity(slots)
  }

  /// Answers every request; result `[request][sample]`.
  ///
  /// - Parameters:
  ///   - seed, purpose: with a request's `stream`, what its samples draw from.
  ///   - shouldStop: an additional end, asked after each token; the sample then counts as stopped.
  ///   - onToken: called with (request, sample, token) as tokens come.
  /// - Throws: `Failure(.badData)` for a prompt that is empty or leaves no room for an answer.
  public func run(
    _ requests: [Request], weights: TransformerWeights, options: SamplingOptions, seed: UInt64,
    purpose: String, shouldStop: ((Sample) -> Bool)? = nil,
    onToken: ((Int, Int, Int32) -> Void)? = nil
  ) throws -> [[Sample]] {
    for (number, request) in requests.enumerated() { try check(request, number) }
    var results = requests.map { Array(repeating: Sample(), count: $0.samples) }
    var waiting = (request: 0, sample: 0)
    while waiting.request < requests.count || !active.isEmpty {
      let admitted = admit(requests, &waiting, seed: seed, purpose: purpose)
      if !admitted.isEmpty {
        transformer.forward(weights, batch, cache: cache, lastTokensOnly: true)
        sharePrompts(admitted)
        draw(weights, options, admitted.map { ($0.sequence, $0.row) }, onToken)
      } else {
        decode(weights)
        draw(weights, options, active.indices.map { ($0, $0) }, onToken)
      }
      retire(options, shouldStop) { results[$0.request][$0.sample] = $0.result }
    }
    return results
  }

  private func check(_ request: Request, _ number: Int) throws {
    guard !request.prompt.isEmpty else {
      throw Failure(
        .badData, "the prompt has no tokens", at: "prompt \(number + 1)",
        remedy: "Give it at least one.")
    }
    guard request.prompt.count < capacity else {
      throw Failure(
        .badData, "the prompt has \(request.prompt.count) tokens, the context \(capacity)",
        at: "prompt \(number + 1)", remedy: "Shorten it; nothing is truncated silently.")
    }
  }

  /// Fills free slots with waiting samples and the batch with their prompts. Each admitted sequence
  /// comes with its prompt's entry of the batch and the slot that the prompt is computed in.
  private func admit(
    _ requests: [Request], _ waiting: inout (request: Int, sample: Int), seed: UInt64,
    purpose: String
  ) -> [(sequence: Int, row: Int, promptSlot: Int)] {
    batch.removeAll()
    var admitted: [(sequence: Int, row: Int, promptSlot: Int)] = []
    while waiting.request < requests.count {
      let request = requests[waiting.request]
      let count = min(request.samples - waiting.sample, freeSlots.count)
      if waiting.sample >= request.samples {
        waiting = (waiting.request + 1, 0)
        continue
      }
      guard count > 0, batch.fits(request.prompt.count) else { break }
      let slots = (0..<count).map { _ in freeSlots.removeLast() }
      batch.append(request.prompt, slot: slots[0])
      for slot in slots {
        admitted.append((active.count, batch.entries.count - 1, slots[0]))
        active.append(
          Sequence(
            request: waiting.request, sample: waiting.sample, slot: slot,
            random: RandomStream(
              seed: seed, purpose: purpose, index: request.stream + UInt64(waiting.sample)),
            length: request.prompt.count, result: Sample()))
        waiting.sample += 1
      }
    }
    return admitted
  }

  private func sharePrompts(_ admitted: [(sequence: Int, row: Int, promptSlot: Int)]) {
    for (sequence, _, promptSlot) in admitted where active[sequence].slot != promptSlot {
      cache.copy(active[sequence].length, from: promptSlot, to: active[sequence].slot)
    }
  }

  /// One more position for every active sequence.
  private func decode(_ weights: TransformerWeights) {
    batch.removeAll()
    for index in active.indices {
      let sequence = active[index]
      batch.append(
        CollectionOfOne(sequence.result.tokens[sequence.result.tokens.count - 1]),
        position: sequence.length, slot: sequence.slot)
      active[index].length += 1
    }
    transformer.forward(weights, batch, cache: cache)
  }

  /// Draws the next token of the given (sequence, row) pairs.
  private func draw(
    _ weights: TransformerWeights, _ options: SamplingOptions, _ pairs: [(Int, Int)],
    _ onToken: ((Int, Int, Int32) -> Void)?
  ) {
    for first in stride(from: 0, to: pairs.count, by: HeadScratch.chunk) {
      let chunk = pairs[first..<min(first + HeadScratch.chunk, pairs.count)]
      for (i, (sequence, row)) in chunk.enumerated() {
        rows[i] = Int32(row)
        uniforms[i] = active[sequence].random.uniform()
      }
      let logits = transformer.logits(weights, rows, chunk.count)
      if options.truncates {
        for i in 0..<chunk.count {
          options.truncate(UnsafeMutableBufferPointer(start: logits.row(i), count: logits.columns))
        }
      }
      transformer.compute.sample(
        logits, inverseTemperature: options.inverseTemperature, uniform: uniforms, tokens: drawn,
        logprob: logprobs)
      for (i, (sequence, _)) in chunk.enumerated() {
        active[sequence].result.tokens.append(drawn[i])
        active[sequence].result.logprobs.append(logprobs[i])
        onToken?(active[sequence].request, active[sequence].sample, drawn[i])
      }
    }
  }

  private func retire(
    _ options: SamplingOptions, _ shouldStop: ((Sample) -> Bool)?, _ deliver: (Sequence) -> Void
  ) {
    var kept = 0
    for index in active.indices {
      let result = active[index].result
      let stopped = result.tokens.last == options.endToken || shouldStop?(result) == true
      let full =
        result.tokens.count >= options.maxNewTokens || active[index].length + 1 >= capacity
      if stopped || full {
        if stopped { active[index].result.finish = .stop }
        freeSlots.append(active[index].slot)
        deliver(active[index])
      } else {
        active.swapAt(kept, index)
        kept += 1
      }
    }
    active.removeLast(active.count - kept)
  }
}
