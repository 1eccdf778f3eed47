import Support
import Tensors
import TestSupport
import Testing

@testable import Models

/// A generator over its own transformer.
private struct Sampler {
  let bench: Workbench
  let generator: Generator

  init(
    _ architecture: Architecture, slots: Int = 8, capacity: Int = 160,
    keyValues: KeyValuePrecision = .float32, threads: Int = 1
  ) throws {
    bench = try Workbench(architecture, threads: threads, training: false)
    generator = try Generator(
      transformer: bench.transformer, slots: slots, capacity: capacity, keyValues: keyValues,
      arena: bench.arena)
  }

  func run(
    _ requests: [Generator.Request], _ options: SamplingOptions, weights: TransformerWeights? = nil
  ) throws -> [[Generator.Sample]] {
    try generator.run(
      requests, weights: weights ?? bench.weights, options: options, seed: 77, purpose: "test")
  }
}

/// Tokens and log-probabilities, to the bit.
private func bytes(_ samples: [[Generator.Sample]]) -> [[[UInt32]]] {
  samples.map { $0.map { bits($0.logprobs) + $0.tokens.map(UInt32.init) } }
}

private func options(
  temperature: Float = 1, tokens: Int = 30, end: Int32 = 0, topK: Int = 0, topP: Float = 1
) -> SamplingOptions {
  var options = SamplingOptions()
  options.temperature = temperature
  options.maxNewTokens = tokens
  options.endTokens = [end]
  options.topK = topK
  options.topP = topP
  return options
}

/// Prompts of 1 to 100 tokens, with 1 to 5 samples each.
private let requests: [Generator.Request] = zip([3, 100, 1, 64, 17, 40], [2, 1, 5, 1, 3, 1])
  .enumerated().map { index, shape in
    Generator.Request(
      prompt: tokens(shape.0, stream: UInt64(20 + index)), stream: UInt64(100 * index),
      samples: shape.1)
  }

@Suite("Generation")
struct GeneratorTests {
  @Test(
    "its log-probabilities are those of the training path, bit for bit",
    arguments: Architecture.kinds, [Float(1), 0.7])
  func logprobs(architecture: Architecture, temperature: Float) throws {
    let sampler = try Sampler(architecture)
    let trainer = try Workbench(architecture)
    let options = options(temperature: temperature, tokens: 55)
    for (request, samples) in zip(requests, try sampler.run(requests, options)) {
      #expect(samples.count == request.samples)
      for sample in samples {
        #expect(!sample.tokens.isEmpty && sample.tokens.count == sample.logprobs.count)
        let sequence = request.prompt + sample.tokens
        let logprobs = trainer.languageModel(
          [sequence], targets: Array(sequence[1...]) + [0], inverseTemperature: 1 / temperature
        ).logprobs
        #expect(
          bits(sample.logprobs)
            == bits(Array(logprobs[(request.prompt.count - 1)..<(sequence.count - 1)])))
      }
    }
  }

  @Test(
    "samples do not depend on slots, company, order or threads, whatever the cache keeps",
    arguments: Architecture.kinds, [KeyValuePrecision.float32, .int8])
  func company(architecture: Architecture, keyValues: KeyValuePrecision) throws {
    let expected = bytes(try Sampler(architecture, keyValues: keyValues).run(requests, options()))
    #expect(Set(expected.joined()).count == 13)
    for slots in [1, 3, 32] {
      let sampler = try Sampler(architecture, slots: slots, keyValues: keyValues)
      #expect(bytes(try sampler.run(requests, options())) == expected, "\(slots) slots")
    }
    let sampler = try Sampler(architecture, keyValues: keyValues, threads: 2)
    #expect(bytes(try sampler.run(requests, options())) == expected)
    let reversed = try sampler.run(Array(requests.reversed()), options())
    #expect(bytes(Array(reversed.reversed())) == expected)
    for (request, expected) in zip(requests, expected) {
      #expect(bytes(try sampler.run([request], options())) == [expected])
    }
  }

  @Test(
    "an int8 cache moves a log-probability by a hundredth, not more, and not by nothing",
    arguments: Architecture.kinds)
  func int8Cache(architecture: Architecture) throws {
    let trainer = try Workbench(architecture)
    var (sum, count, most) = (Float(0), 0, Float(0))
    let samples = try Sampler(architecture, keyValues: .int8).run(requests, options(tokens: 55))
    for (request, sample) in zip(requests, samples.map { $0[0] }) {
      let sequence = request.prompt + sample.tokens
      let logprobs = trainer.languageModel([sequence], targets: Array(sequence[1...]) + [0])
        .logprobs[(request.prompt.count - 1)...]
      for (cached, exact) in zip(sample.logprobs, logprobs) {
        sum += abs(cached - exact)
        most = max(most, abs(cached - exact))
        count += 1
      }
    }
    let mean = sum / Float(count)
    #expect(mean > 1e-5 && mean < 1e-2 && most < 0.1, "mean \(mean), largest \(most)")
  }

  @Test("K samples of a prompt equal K requests with the streams that follow each other")
  func samplesAreStreams() throws {
    let sampler = try Sampler(.modern, slots: 3)
    let together = try sampler.run(requests, options())
    let apart = requests.flatMap { request in
      (0..<request.samples).map {
        Generator.Request(prompt: request.prompt, stream: request.stream + UInt64($0))
      }
    }
    #expect(
      bytes(try sampler.run(apart, options())).joined().map { $0 }
        == bytes(together).joined().map { $0 })
  }

  @Test(
    "a step of decoding allocates nothing, whatever the cache keeps",
    arguments: [KeyValuePrecision.float32, .int8])
  func allocatesNothing(keyValues: KeyValuePrecision) throws {
    let sampler = try Sampler(.modern, keyValues: keyValues, threads: 2)
    func perRun(tokens: Int) throws -> Int? {
      let options = options(tokens: tokens, end: -1)
      _ = try sampler.run(Array(requests.prefix(3)), options)
      return try allocations { _ = try sampler.run(Array(requests.prefix(3)), options) }
    }
    let (few, many) = (try perRun(tokens: 5), try perRun(tokens: 55))
    #expect(few == many, "\(few ?? 0) in 5 steps, \(many ?? 0) in 55")
  }

  @Test("every instruction set draws the same samples")
  func instructionSets() throws {
    let results = try underEachInstructionSet {
      bytes(try Sampler(.classic).run(requests, options()))
    }
    for (set, result) in results { #expect(result == results[0].result, "\(set)") }
  }

  @Test("temperature 0 takes the most probable token, and top-k 1 and a tiny top-p agree")
  func greedy() throws {
    let sampler = try Sampler(.classic)
    let greedy = try sampler.run(requests, options(temperature: 0))
    #expect(bytes(greedy) == bytes(try sampler.run(requests, options(temperature: 0))))
    let likely = [options(topK: 1), options(topP: 1e-6), options(temperature: 0.7, topK: 1)]
    for likely in likely {
      let samples = try sampler.run(requests, likely)
      #expect(samples.map { $0.map(\.tokens) } == greedy.map { $0.map(\.tokens) })
      #expect(samples.joined().allSatisfy { $0.logprobs.allSatisfy { $0 == 0 } })
    }
    let trainer = try Workbench(.classic)
    let sample = greedy[0][0]
    let sequence = requests[0].prompt + sample.tokens
    for token in 0..<50 {
      let logprobs = trainer.languageModel(
        [sequence], targets: Array(repeating: Int32(token), count: sequence.count)
      ).logprobs
      for (i, best) in sample.logprobs.enumerated() {
        #expect(logprobs[requests[0].prompt.count - 1 + i] <= best)
      }
    }
  }

  @Test("tokens come as often as their probabilities say")
  func frequencies() throws {
    for temperature in [Float(1), 0.7] {
      let sampler = try Sampler(.classic, slots: 128)
      let prompt = tokens(4, stream: 60)
      let draws = 8192
      let samples = try sampler.run(
        [.init(prompt: prompt, stream: 0, samples: draws)],
        options(temperature: temperature, tokens: 1))[0]
      var counts = [Double](repeating: 0, count: 50)
      for sample in samples { counts[Int(sample.tokens[0])] += 1 }
      var (chiSquare, cells, rest) = (0.0, 0, (expected: 0.0, seen: 0.0))
      func add(_ expected: Double, _ seen: Double) {
        chiSquare += (seen - expected) * (seen - expected) / expected
        cells += 1
      }
      for token in 0..<50 {
        let logprob = sampler.bench.languageModel(
          [prompt], targets: Array(repeating: Int32(token), count: 4),
          inverseTemperature: 1 / temperature
        ).logprobs[3]
        let expected = DeterministicMath.exp(Double(logprob)) * Double(draws)
        if expected >= 5 {
          add(expected, counts[token])
        } else {
          rest = (rest.expected + expected, rest.seen + counts[token])
        }
      }
      if rest.expected > 1 { add(rest.expected, rest.seen) }
      #expect(cells >= 8)
      // A χ² of n cells has mean n − 1 and deviation √(2(n − 1)); the streams are fixed.
      #expect(chiSquare < Double(cells) + 4 * (2 * Double(cells)).squareRoot(), "\(cells) cells")
    }
  }

  @Test("an answer ends with the first of its end tokens, at its length, or where the caller says")
  func endings() throws {
    let sampler = try Sampler(.classic)
    let long = try sampler.run(requests, options(tokens: 20, end: -1))
    #expect(long.joined().allSatisfy { $0.tokens.count == 20 && $0.finish == .length })
    var ending = options(tokens: 20)
    ending.endTokens = [long[0][0].tokens[10], long[1][0].tokens[5]]
    for (stopped, whole) in zip(try sampler.run(requests, ending).joined(), long.joined()) {
      let cut = whole.tokens.firstIndex(where: ending.endTokens.contains)
      #expect(stopped.tokens == Array(whole.tokens[...(cut ?? 19)]))
      #expect(stopped.finish == (cut == nil ? .length : .stop))
    }
    var heard: [[Int32]] = Array(repeating: [], count: requests.count)
    let short = try sampler.generator.run(
      requests, weights: sampler.bench.weights, options: options(tokens: 20, end: -1), seed: 77,
      purpose: "test", shouldStop: { $0.tokens.count == 7 },
      onToken: { request, sample, token in if sample == 0 { heard[request].append(token) } })
    for (index, (short, long)) in zip(short, long).enumerated() {
      #expect(short.map(\.tokens) == long.map { Array($0.tokens[..<7]) })
      #expect(short.allSatisfy { $0.finish == .stop })
      #expect(heard[index] == short[0].tokens)
    }
  }

  @Test("requests that come, go and are cancelled while others run have the tokens that they have alone")
  func comings() throws {
    let sampler = try Sampler(.modern, slots: 3)
    let weights = sampler.bench.weights
    let (warm, cold) = (options(tokens: 12, end: -1), options(temperature: 0.5, tokens: 9, end: -1, topK: 5))
    let alone = [
      try sampler.run([requests[0]], warm)[0], try sampler.run([requests[3]], cold)[0],
      try sampler.run([requests[4]], warm)[0],
    ]
    let generator = sampler.generator
    func submit(_ request: Generator.Request, _ options: SamplingOptions) throws -> Generator.Ticket {
      try generator.submit(request, options, seed: 77, purpose: "test")
    }
    var heard: [Generator.Ticket: [[Int32]]] = [:]
    var finished: [Generator.Ticket: [Generator.Sample]] = [:]
    func step() {
      generator.step(weights) { event in
        switch event {
        case .token(let ticket, let sample, let token):
          heard[ticket, default: Array(repeating: [], count: 5)][sample].append(token)
        case .finished(let ticket, let sample, let result):
          finished[ticket, default: Array(repeating: .init(), count: 5)][sample] = result
        }
      }
    }
    let first = try submit(requests[0], warm)  // two samples
    for _ in 0..<4 { step() }
    let second = try submit(requests[3], cold)
    let third = try submit(requests[4], warm)  // three samples, more than there are slots
    for _ in 0..<3 { step() }
    generator.cancel(first)
    let before = heard[first]!
    while !generator.isIdle { step() }
    #expect(heard[first] == before && finished[first] == nil)
    for sample in 0..<2 {
      #expect(before[sample].count == 6 && alone[0][sample].tokens.starts(with: before[sample]))
    }
    for (ticket, expected) in [(second, alone[1]), (third, alone[2])] {
      #expect(bytes([Array(finished[ticket]!.prefix(expected.count))]) == bytes([expected]))
      for (sample, one) in expected.enumerated() { #expect(heard[ticket]![sample] == one.tokens) }
    }
    let waiting = try submit(requests[1], warm)
    generator.cancel(waiting)
    #expect(generator.isIdle)
    #expect(bytes(try sampler.run(requests, warm)).count == requests.count)
  }

  @Test("an answer fills the context to its last position and no further")
  func fullContext() throws {
    let sampler = try Sampler(.modern, slots: 2)
    let prompt = tokens(150, stream: 70)
    let sample = try sampler.run(
      [.init(prompt: prompt, stream: 0)], options(tokens: 1000, end: -1))[0][0]
    #expect(sample.tokens.count == 10 && sample.finish == .length)
  }

  @Test("a prompt that is empty or leaves no room is refused by its number")
  func refusals() throws {
    let sampler = try Sampler(.classic, capacity: 64)
    for (prompt, what) in [([], "no tokens"), (tokens(64, stream: 1), "64 tokens")] {
      let error = #expect(throws: Failure.self) {
        _ = try sampler.run(
          [.init(prompt: [1], stream: 0), .init(prompt: prompt, stream: 0)], options())
      }
      #expect(error?.kind == .badData && error?.place == "prompt 2")
      #expect(error?.what.contains(what) == true)
    }
    let fits = Generator.Request(prompt: tokens(63, stream: 1), stream: 0)
    #expect(try sampler.run([fits], options())[0][0].tokens.count == 1)
    #expect(try sampler.run([], options()).isEmpty)
  }
}

@Suite("The int8 twin")
struct QuantizedWeightsTests {
  @Test(
    "it is near its model but not equal, and as exact as it",
    arguments: Architecture.kinds)
  func twin(architecture: Architecture) throws {
    func samples(slots: Int, threads: Int) throws -> [[Generator.Sample]] {
      let sampler = try Sampler(architecture, slots: slots, threads: threads)
      let twin = try QuantizedWeights(sampler.bench.parameters.layout, arena: sampler.bench.arena)
      let weights = twin.update(from: sampler.bench.parameters, compute: sampler.bench.compute)
      return try sampler.run(requests, options(), weights: weights)
    }
    let expected = try samples(slots: 8, threads: 1)
    #expect(bytes(try samples(slots: 3, threads: 2)) == bytes(expected))
    for (set, result) in try underEachInstructionSet({ bytes(try samples(slots: 8, threads: 1)) }) {
      #expect(result == bytes(expected), "\(set)")
    }

    let trainer = try Workbench(architecture)
    var differences: [Float] = []
    for (request, samples) in zip(requests, expected) {
      for sample in samples {
        let sequence = request.prompt + sample.tokens
        let logprobs = trainer.languageModel(
          [sequence], targets: Array(sequence[1...]) + [0]
        ).logprobs[(request.prompt.count - 1)...]
        differences += zip(sample.logprobs, logprobs).map { abs($0 - $1) }
      }
    }
    let mean = differences.reduce(0, +) / Float(differences.count)
    // Codes of 1/127 in sums over 24 or 40 terms: logits of size 5 are a few hundredths off.
    #expect(mean > 1e-4 && mean < 0.2, "mean difference \(mean)")
  }
}
