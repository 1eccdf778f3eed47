import Support
import Tensors
import TestSupport
import Testing

@testable import Models

/// Longer than a key tile, longer than a chunk of the heads, and as short as it gets.
private let sequences = [
  tokens(5, stream: 1), tokens(1, stream: 2), tokens(150, stream: 3), tokens(110, stream: 4),
]
extension Architecture {
  /// So many tokens that the heads see fewer rows at a time.
  fileprivate static let manyTokens = Architecture(
    layers: 1, dModel: 8, heads: 2, vocabulary: 200_000, context: 160)
}

private let targets = tokens(266, stream: 5)
private let dLogprobs: [Float] = {
  var random = RandomStream(seed: 2, purpose: "output gradients")
  return (0..<266).map { $0 % 7 == 0 ? 0 : random.normal() / 266 }
}()

/// The bytes of everything that one training pass computes.
private struct Pass: Equatable {
  var logprobs, entropies, hidden, gradients, scores, scoreGradients: [UInt32]

  init(_ architecture: Architecture, threads: Int) throws {
    let bench = try Workbench(architecture, threads: threads)
    let result = bench.languageModel(
      sequences, targets: targets, dLogprobs: dLogprobs, inverseTemperature: 1 / 0.7)
    logprobs = bits(result.logprobs)
    entropies = bits(result.entropies)
    hidden = bits(bench.hidden)
    gradients = bench.gradients.parameters.bits
    let scalar = try Workbench(architecture, scalarHead: true, threads: threads)
    scores = bits(scalar.scalarHead(sequences, dScores: [0.5, -1, 0.25, 2]))
    scoreGradients = scalar.gradients.parameters.bits
  }
}

@Suite("The same bytes, whatever computes them and whatever is computed beside")
struct ExactnessTests {
  @Test("one thread ≡ two ≡ three", arguments: Architecture.kinds)
  func threads(architecture: Architecture) throws {
    let one = try Pass(architecture, threads: 1)
    #expect(Set(one.gradients).count > 1000)
    for threads in [2, 3] {
      #expect(try Pass(architecture, threads: threads) == one, "\(threads) threads")
    }
  }

  @Test("every instruction set ≡ scalar", arguments: Architecture.kinds)
  func instructionSets(architecture: Architecture) throws {
    let passes = try underEachInstructionSet { try Pass(architecture, threads: 1) }
    #expect(passes[0].set == .scalar)
    for (set, pass) in passes {
      #expect(pass == passes[0].result, "\(set)")
    }
  }

  @Test(
    "a sequence's log-probabilities do not depend on what shares its batch",
    arguments: Architecture.kinds + [.manyTokens])
  func batchComposition(architecture: Architecture) throws {
    let bench = try Workbench(architecture, training: false)
    let together = bench.languageModel(sequences, targets: targets).logprobs
    var start = 0
    for sequence in sequences {
      let range = start..<start + sequence.count
      let alone = bench.languageModel([sequence], targets: Array(targets[range])).logprobs
      #expect(bits(alone) == bits(Array(together[range])))
      start += sequence.count
    }
    let order = [2, 0, 3, 1]
    let starts = [0, 5, 6, 156]
    let reordered = bench.languageModel(
      order.map { sequences[$0] },
      targets: order.flatMap { targets[starts[$0]..<starts[$0] + sequences[$0].count] }
    ).logprobs
    #expect(
      bits(reordered)
        == order.flatMap { bits(Array(together[starts[$0]..<starts[$0] + sequences[$0].count])) })
  }

  @Test(
    "a transformer that only computes gives the bits of one that learns",
    arguments: Architecture.kinds)
  func inference(architecture: Architecture) throws {
    let learns = try Workbench(architecture)
    let computes = try Workbench(architecture, training: false)
    let expected = learns.languageModel(sequences, targets: targets)
    let actual = computes.languageModel(sequences, targets: targets)
    #expect(bits(actual.logprobs) == bits(expected.logprobs))
    #expect(bits(actual.entropies) == bits(expected.entropies))
    #expect(bits(computes.hidden) == bits(learns.hidden))
  }

  @Test(
    "a sequence fed to the cache in pieces gives the bits of the whole",
    arguments: Architecture.kinds)
  func cache(architecture: Architecture) throws {
    let whole = try Workbench(architecture)
    whole.load([sequences[2]])
    whole.transformer.forward(whole.weights, whole.batch)
    let expected = bits(whole.hidden)
    let pieces = [[150], [149, 1], [1, 62, 1, 1, 64, 20, 1], Array(repeating: 1, count: 150)]
    for pieces in pieces {
      let bench = try Workbench(architecture, training: false)
      let cache = try KVCache(
          architecture, slots: 3, capacity: 151, precision: .float32, arena: bench.arena)
      var hidden: [UInt32] = []
      var position = 0
      for piece in pieces {
        bench.batch.removeAll()
        bench.batch.append(tokens(3, stream: 8), position: 0, slot: 0)
        bench.batch.append(
          sequences[2][position..<position + piece], position: position, slot: 2)
        bench.transformer.forward(bench.weights, bench.batch, cache: cache)
        hidden += bits(bench.hidden)[(3 * architecture.dModel)...]
        position += piece
      }
      #expect(position == 150 && hidden == expected, "\(pieces)")
    }
  }

  @Test(
    "what the step before left in the gradients is not seen",
    arguments: Architecture.kinds)
  func staleGradients(architecture: Architecture) throws {
    for scalarHead in [false, true] {
      func gradients(after stale: Float) throws -> [UInt32] {
        let bench = try Workbench(architecture, scalarHead: scalarHead)
        for (tensor, base) in bench.gradients.parameters.tensors {
          base.update(repeating: stale, count: tensor.count)
        }
        if scalarHead {
          _ = bench.scalarHead(sequences, dScores: [0.5, -1, 0.25, 2])
        } else {
          _ = bench.languageModel(sequences, targets: targets, dLogprobs: dLogprobs)
        }
        return bench.gradients.parameters.tensors.flatMap { tensor, base in
          bits(floats(base, tensor.count))
        }
      }
      #expect(try gradients(after: .nan) == gradients(after: 0))
      let idle = try Workbench(architecture, scalarHead: scalarHead)
      idle.gradients.parameters.initialize(seed: 1)
      idle.gradients.reset()
      idle.gradients.finish(idle.compute)
      #expect(
        idle.gradients.parameters.tensors.allSatisfy { tensor, base in
          floats(base, tensor.count).allSatisfy { $0 == 0 }
        })
    }
  }

  @Test(
    "a pass for the last tokens alone gives their bits, with and without a cache",
    arguments: Architecture.kinds)
  func lastTokens(architecture: Architecture) throws {
    let bench = try Workbench(architecture, training: false)
    bench.load(sequences)
    bench.transformer.forward(bench.weights, bench.batch)
    let all = bits(bench.hidden)
    let width = architecture.dModel
    var (end, expected): (Int, [UInt32]) = (0, [])
    for sequence in sequences {
      end += sequence.count
      expected += all[(end - 1) * width..<end * width]
    }
    let cache = try KVCache(
      architecture, slots: 4, capacity: 160, precision: .float32, arena: bench.arena)
    for cache in [nil, cache] {
      bench.batch.removeAll()
      for (slot, sequence) in sequences.enumerated() { bench.batch.append(sequence, slot: slot) }
      bench.transformer.forward(bench.weights, bench.batch, cache: cache, lastTokensOnly: true)
      #expect(Array(bits(bench.hidden).prefix(4 * width)) == expected)
    }
  }

  @Test("two passes over halves add up to the gradients of the whole, bit for bit")
  func gradientsContinue() throws {
    for architecture in Architecture.kinds {
      let whole = try Workbench(architecture)
      _ = whole.languageModel(sequences, targets: targets, dLogprobs: dLogprobs)
      let parts = try Workbench(architecture)
      parts.gradients.reset()
      let starts = [0, 5, 6, 156, 266]
      for range in [0..<2, 2..<3, 3..<4] {
        let rows = starts[range.lowerBound]..<starts[range.upperBound]
        let count = rows.count
        parts.load(Array(sequences[range]))
        parts.transformer.forward(parts.weights, parts.batch)
        parts.transformer.beginBackward(parts.batch)
        var logprobs = [Float](repeating: 0, count: count)
        parts.transformer.logprobsBackward(
          parts.weights,
          HeadRows(
            count: count, rows: try parts.copy(Array(0..<Int32(count))),
            targets: try parts.copy(Array(targets[rows]))),
          logprob: &logprobs, dLogprob: try parts.copy(Array(dLogprobs[rows])),
          into: parts.gradients)
        parts.transformer.backward(parts.weights, parts.batch, into: parts.gradients)
      }
      parts.gradients.finish(parts.compute)
      #expect(parts.gradients.parameters.bits == whole.gradients.parameters.bits)
    }
  }
}

extension Workbench {
  /// Values that live as long as the workbench.
  func copy<T>(_ values: [T]) throws -> UnsafeMutablePointer<T> {
    let base = try arena.allocate("values", values.count, of: T.self)
    base.update(from: values, count: values.count)
    return base
  }
}
