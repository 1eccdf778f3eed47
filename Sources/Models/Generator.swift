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
  /// Which sequences' next tokens are drawn, from which row of the pass.
  private var asking: [(sequence: Int, row: Int)] = []

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
    asking.reserveCapacity(slots)
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
    // Who is handed each token sees how far it is.
    let work = Work("sampling", of: onToken == nil ? room(requests, options) : 0)
    defer { work.end() }
    var results = requests.map { Array(repeating: Sample(), count: $0.samples) }
    var waiting = (request: 0, sample: 0)
    while waiting.request < requests.count || !active.isEmpty {
      asking.removeAll(keepingCapacity: true)
      admit(requests, &waiting, options, seed: seed, purpose: purpose)
      if !asking.isEmpty {
        transformer.forward(weights, batch, cache: cache, lastTokensOnly: true)
        sharePrompts()
      } else {
        decode(weights)
      }
      draw(weights, options, onToken)
      var done = asking.count
      retire(options, shouldStop) {
        results[$0.request][$0.sample] = $0.result
        done += room(requests[$0.request], options) - $0.result.tokens.count
      }
      if onToken == nil { work.advance(by: done) }
    }
    return results
  }

  /// log π at temperature 1 of every token but the first, as sampling would have it: token by token, by way of
  /// the cache.
  ///
  /// - Parameter sequences: of at most `capacity` tokens.
  public func logprobs(of sequences: [[Int32]], weights: TransformerWeights) -> [[Float]] {
    precondition(active.isEmpty && sequences.allSatisfy { $0.count <= capacity }, "slots of \(capacity)")
    let work = Work("measuring", of: sequences.reduce(0) { $0 + $1.count })
    defer { work.end() }
    var results = sequences.map { _ in [Float]() }
    for first in stride(from: 0, to: sequences.count, by: cache.slots) {
      let chunk = first..<min(first + cache.slots, sequences.count)
      for position in 0..<(sequences[chunk].map(\.count).max() ?? 0) {
        let here = chunk.filter { sequences[$0].count > position + 1 }
        batch.removeAll()
        for (row, number) in here.enumerated() {
          batch.append(
            CollectionOfOne(sequences[number][position]), position: position, slot: number - first)
          rows[row] = Int32(row)
          drawn[row] = sequences[number][position + 1]
        }
        transformer.forward(weights, batch, cache: cache)
        transformer.logprobs(
          weights, HeadRows(count: here.count, rows: rows, targets: drawn), logprob: logprobs)
        for (row, number) in here.enumerated() { results[number].append(logprobs[row]) }
      }
      work.advance(by: sequences[chunk].reduce(0) { $0 + $1.count })
    }
    return results
  }

  /// The most tokens that a sample can have.
  private func room(_ request: Request, _ options: SamplingOptions) -> Int {
    min(options.maxNewTokens, capacity - request.prompt.count)
  }

  private func room(_ requests: [Request], _ options: SamplingOptions) -> Int {
    requests.reduce(0) { $0 + $1.samples * room($1, options) }
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

  /// Fills free slots with waiting samples and the batch with their prompts, each prompt in the slot of
  /// its first sample.
  private func admit(
    _ requests: [Request], _ waiting: inout (request: Int, sample: Int), _ options: SamplingOptions,
    seed: UInt64, purpose: String
  ) {
    batch.removeAll()
    while waiting.request < requests.count {
      let request = requests[waiting.request]
      let count = min(request.samples - waiting.sample, freeSlots.count)
      if waiting.sample >= request.samples {
        waiting = (waiting.request + 1, 0)
        continue
      }
      guard count > 0, batch.fits(request.prompt.count) else { break }
      batch.append(request.prompt, slot: freeSlots[freeSlots.count - 1])
      for _ in 0..<count {
        asking.append((active.count, batch.entries.count - 1))
        // Room for all its tokens, so that no step needs to ask for more.
        var result = Sample()
        let room = room(request, options)
        result.tokens.reserveCapacity(room)
        result.logprobs.reserveCapacity(room)
        active.append(
          Sequence(
            request: waiting.request, sample: waiting.sample, slot: freeSlots.removeLast(),
            random: RandomStream(
              seed: seed, purpose: purpose, index: request.stream + UInt64(waiting.sample)),
            length: request.prompt.count, result: result))
        waiting.sample += 1
      }
    }
  }

  private func sharePrompts() {
    for (sequence, row) in asking {
      let (from, to) = (batch.entries[row].slot, active[sequence].slot)
      if from != to { cache.copy(active[sequence].length, from: from, to: to) }
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
      asking.append((index, index))
    }
    transformer.forward(weights, batch, cache: cache)
  }

  /// Draws the next tokens of those that ask.
  private func draw(
    _ weights: TransformerWeights, _ options: SamplingOptions, _ onToken: ((Int, Int, Int32) -> Void)?
  ) {
    for first in stride(from: 0, to: asking.count, by: transformer.headScratch.chunk) {
      let chunk = first..<min(first + transformer.headScratch.chunk, asking.count)
      for (i, place) in chunk.enumerated() {
        rows[i] = Int32(asking[place].row)
        uniforms[i] = active[asking[place].sequence].random.uniform()
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
      for (i, place) in chunk.enumerated() {
        let sequence = asking[place].sequence
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
      let stopped =
        result.tokens.last.map(options.endTokens.contains) == true || shouldStop?(result) == true
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
