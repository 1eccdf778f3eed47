import Support
import Tensors

/// Generates samples in batches. A prompt is computed once for all its samples. Finished sequences leave the batch,
/// and waiting sequences take their slots.
///
/// The tokens of a sequence depend only on its prompt, the weights and its own random stream, never on the other
/// sequences in the batch. So requests can be submitted and cancelled at any time:
///
///     let ticket = try generator.submit(request, options, seed: 1, purpose: "chat")
///     while !generator.isIdle {
///       generator.step(weights) { event in … }   // tokens as they come; `cancel(ticket)` ends it
///     }
public final class Generator {
  /// One prompt and the number of samples to generate.
  public struct Request: Sendable {
    public var prompt: [Int32]
    /// Number of the random stream of the first sample; the other samples use the next numbers.
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
    /// The tokens, including the end token if one was sampled.
    public var tokens: [Int32] = []
    /// Log-probability of each token under the distribution that it was sampled from.
    public var logprobs: [Float] = []
    public var finish = Finish.length
  }

  /// Identifies a request in this generator.
  public struct Ticket: Hashable, Sendable {
    fileprivate let number: Int
  }

  /// The results of a step.
  public enum Event {
    /// A new token of a sample.
    case token(Ticket, sample: Int, Int32)
    /// A sample is complete.
    case finished(Ticket, sample: Int, Sample)
  }

  /// A submitted request.
  private final class Job {
    let ticket: Ticket
    let request: Request
    let options: SamplingOptions
    let seed: UInt64
    let purpose: String
    let shouldStop: ((Sample) -> Bool)?
    /// Number of samples that have started.
    var begun = 0

    init(
      _ ticket: Ticket, _ request: Request, _ options: SamplingOptions, seed: UInt64, purpose: String,
      shouldStop: ((Sample) -> Bool)?
    ) {
      self.ticket = ticket
      self.request = request
      self.options = options
      self.seed = seed
      self.purpose = purpose
      self.shouldStop = shouldStop
    }
  }

  private struct Sequence {
    let job: Job
    let sample: Int
    let slot: Int
    var random: RandomStream
    /// Positions in the cache: all tokens except the latest.
    var length: Int
    var result: Sample
  }

  /// The most tokens of a prompt and its answer together.
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
  /// Requests with samples that have no slot yet; they begin at index `firstWaiting`.
  private var waiting: [Job] = []
  private var firstWaiting = 0
  private var tickets = 0
  /// The sequences whose next token is sampled in this step, and the rows of the pass to sample from.
  private var asking: [(sequence: Int, row: Int)] = []

  /// - Parameters:
  ///   - slots: the most sequences that are generated at the same time.
  ///   - capacity: the most tokens of a prompt and its answer together.
  ///   - keyValues: precision of the cache. With int8, log-probabilities belong to the sampling distribution, which
  ///     differs from that of the training path.
  public init(
    transformer: Transformer, slots: Int, capacity: Int, keyValues: KeyValuePrecision, arena: Arena
  ) throws {
    precondition(
      transformer.rows >= max(slots, capacity),
      "a pass of \(transformer.rows) tokens is too small for \(slots) slots of \(capacity)")
    precondition(
      capacity <= transformer.architecture.context,
      "slots of \(capacity) do not fit a context of \(transformer.architecture.context)")
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

  /// Whether all requests are finished.
  public var isIdle: Bool { active.isEmpty && firstWaiting == waiting.count }

  /// Queues a request. Its samples start when slots are free, after those of earlier requests.
  ///
  /// - Parameters:
  ///   - seed, purpose: with the request's `stream`, they choose the random numbers of its samples.
  ///   - shouldStop: called after each token; if true, the sample ends with `Finish.stop`.
  /// - Throws: `Failure(.badData)` if the prompt is empty or leaves no room for an answer.
  public func submit(
    _ request: Request, _ options: SamplingOptions, seed: UInt64, purpose: String,
    shouldStop: ((Sample) -> Bool)? = nil
  ) throws -> Ticket {
    try check(request, tickets)
    return enqueue(request, options, seed: seed, purpose: purpose, shouldStop: shouldStop)
  }

  private func enqueue(
    _ request: Request, _ options: SamplingOptions, seed: UInt64, purpose: String,
    shouldStop: ((Sample) -> Bool)?
  ) -> Ticket {
    let ticket = Ticket(number: tickets)
    tickets += 1
    waiting.append(Job(ticket, request, options, seed: seed, purpose: purpose, shouldStop: shouldStop))
    return ticket
  }

  /// Ends a request. It gives no more events, and its slots are free.
  public func cancel(_ ticket: Ticket) {
    waiting = waiting[firstWaiting...].filter { $0.ticket != ticket }
    firstWaiting = 0
    for sequence in active where sequence.job.ticket == ticket { freeSlots.append(sequence.slot) }
    active.removeAll { $0.job.ticket == ticket }
  }

  /// Computes waiting prompts if slots are free; otherwise computes the next token of every sequence.
  public func step(_ weights: TransformerWeights, _ each: (Event) -> Void) {
    asking.removeAll(keepingCapacity: true)
    admit()
    if asking.isEmpty {
      decode(weights)
    } else {
      transformer.forward(weights, batch, cache: cache, lastTokensOnly: true)
      sharePrompts()
    }
    draw(weights, each)
    retire(each)
  }

  /// Generates all samples of all requests; the result is `[request][sample]`.
  ///
  /// - Parameters:
  ///   - seed, purpose: with a request's `stream`, they choose the random numbers of its samples.
  ///   - shouldStop: called after each token; if true, the sample ends with `Finish.stop`.
  ///   - onToken: called with (request, sample, token) for each new token.
  /// - Throws: `Failure(.badData)` if a prompt is empty or leaves no room for an answer.
  public func run(
    _ requests: [Request], weights: TransformerWeights, options: SamplingOptions, seed: UInt64,
    purpose: String, shouldStop: ((Sample) -> Bool)? = nil,
    onToken: ((Int, Int, Int32) -> Void)? = nil
  ) throws -> [[Sample]] {
    precondition(isIdle, "the generator has unfinished requests")
    for (number, request) in requests.enumerated() { try check(request, number) }
    // A caller that receives each token shows the progress itself.
    let work = Work("sampling", of: onToken == nil ? room(requests, options) : 0)
    defer { work.end() }
    let first = tickets
    for request in requests { _ = enqueue(request, options, seed: seed, purpose: purpose, shouldStop: shouldStop) }
    var results = requests.map { Array(repeating: Sample(), count: $0.samples) }
    while !isIdle {
      var done = 0
      step(weights) { event in
        switch event {
        case .token(let ticket, let sample, let token):
          done += 1
          onToken?(ticket.number - first, sample, token)
        case .finished(let ticket, let sample, let result):
          let request = ticket.number - first
          results[request][sample] = result
          done += room(requests[request], options) - result.tokens.count
        }
      }
      if onToken == nil { work.advance(by: done) }
    }
    return results
  }

  /// log π at temperature 1 of every token except the first, computed as in sampling: token by token, through the
  /// cache.
  ///
  /// - Parameter sequences: each has at most `capacity` tokens.
  public func logprobs(of sequences: [[Int32]], weights: TransformerWeights) -> [[Float]] {
    precondition(
      isIdle && sequences.allSatisfy { $0.count <= capacity },
      "the generator is busy, or a sequence does not fit a slot of \(capacity)")
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
        remedy: "Give at least one token.")
    }
    guard request.prompt.count < capacity else {
      throw Failure(
        .badData, "the prompt has \(request.prompt.count) tokens, the context \(capacity)",
        at: "prompt \(number + 1)", remedy: "Shorten it; nothing is truncated silently.", code: .contextExceeded)
    }
  }

  /// Fills free slots with waiting samples, and the batch with their prompts. A prompt is computed in the slot of its
  /// first sample.
  private func admit() {
    batch.removeAll()
    while firstWaiting < waiting.count {
      let job = waiting[firstWaiting]
      let count = min(job.request.samples - job.begun, freeSlots.count)
      if job.begun >= job.request.samples {
        firstWaiting += 1
        continue
      }
      guard count > 0, batch.fits(job.request.prompt.count) else { break }
      batch.append(job.request.prompt, slot: freeSlots[freeSlots.count - 1])
      for _ in 0..<count {
        asking.append((active.count, batch.entries.count - 1))
        active.append(begin(job))
      }
    }
    if firstWaiting == waiting.count {
      waiting.removeAll(keepingCapacity: true)
      firstWaiting = 0
    }
  }

  /// Starts the next sample of a job in a free slot.
  private func begin(_ job: Job) -> Sequence {
    // Reserves memory for all tokens, so that no step allocates.
    var result = Sample()
    let room = room(job.request, job.options)
    result.tokens.reserveCapacity(room)
    result.logprobs.reserveCapacity(room)
    defer { job.begun += 1 }
    return Sequence(
      job: job, sample: job.begun, slot: freeSlots.removeLast(),
      random: RandomStream(
        seed: job.seed, purpose: job.purpose, index: job.request.stream + UInt64(job.begun)),
      length: job.request.prompt.count, result: result)
  }

  private func sharePrompts() {
    for (sequence, row) in asking {
      let (from, to) = (batch.entries[row].slot, active[sequence].slot)
      if from != to { cache.copy(active[sequence].length, from: from, to: to) }
    }
  }

  /// Computes one more position of every active sequence.
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

  /// Samples the next tokens of the sequences in `asking`.
  private func draw(_ weights: TransformerWeights, _ each: (Event) -> Void) {
    var first = 0
    while first < asking.count {
      // One product takes at most one chunk of rows, all with the same temperature.
      let temperature = active[asking[first].sequence].job.options.inverseTemperature
      let most = min(first + transformer.headScratch.chunk, asking.count)
      let end = (first..<most).first {
        active[asking[$0].sequence].job.options.inverseTemperature != temperature
      } ?? most
      draw(first..<end, inverseTemperature: temperature, weights, each)
      first = end
    }
  }

  private func draw(
    _ chunk: Range<Int>, inverseTemperature: Float, _ weights: TransformerWeights, _ each: (Event) -> Void
  ) {
    for (i, place) in chunk.enumerated() {
      rows[i] = Int32(asking[place].row)
      uniforms[i] = active[asking[place].sequence].random.uniform()
    }
    let logits = transformer.logits(weights, rows, chunk.count)
    for (i, place) in chunk.enumerated() {
      let options = active[asking[place].sequence].job.options
      guard options.truncates else { continue }
      options.truncate(UnsafeMutableBufferPointer(start: logits.row(i), count: logits.columns))
    }
    transformer.compute.sample(
      logits, inverseTemperature: inverseTemperature, uniform: uniforms, tokens: drawn,
      logprob: logprobs)
    for (i, place) in chunk.enumerated() {
      let sequence = asking[place].sequence
      active[sequence].result.tokens.append(drawn[i])
      active[sequence].result.logprobs.append(logprobs[i])
      each(.token(active[sequence].job.ticket, sample: active[sequence].sample, drawn[i]))
    }
  }

  private func retire(_ each: (Event) -> Void) {
    var kept = 0
    for index in active.indices {
      let (result, job) = (active[index].result, active[index].job)
      let stopped =
        result.tokens.last.map(job.options.endTokens.contains) == true || job.shouldStop?(result) == true
      let full =
        result.tokens.count >= job.options.maxNewTokens || active[index].length + 1 >= capacity
      if stopped || full {
        if stopped { active[index].result.finish = .stop }
        freeSlots.append(active[index].slot)
        each(.finished(job.ticket, sample: active[index].sample, active[index].result))
      } else {
        active.swapAt(kept, index)
        kept += 1
      }
    }
    active.removeLast(active.count - kept)
  }
}
