import Support
import TestSupport
import Testing

@testable import Models

@Suite("Sequences whose common beginning is computed once")
struct ContinuationTests {
  private let beginning = tokens(19, stream: 1)
  private let endings = [tokens(7, stream: 2), tokens(1, stream: 3), tokens(70, stream: 4)]

  private struct Outcome {
    /// Rows of the final norm: of the beginning, then of each ending.
    var hidden: [[Float]]
    /// Of every tensor.
    var gradients: [String: [Float]]
  }

  /// - Parameter shares: false for three whole sequences.
  private func compute(_ bench: Workbench, shares: Bool) -> Outcome {
    bench.batch.removeAll()
    var parts: [[Int]] = [[]]
    if shares {
      bench.batch.append(beginning)
      parts[0] = Array(0..<beginning.count)
      for ending in endings {
        parts.append(Array(bench.batch.rows..<bench.batch.rows + ending.count))
        bench.batch.append(continuing: ending)
      }
    } else {
      for ending in endings {
        let first = bench.batch.rows
        bench.batch.append(beginning + ending)
        if parts[0].isEmpty { parts[0] = Array(first..<first + beginning.count) }
        parts.append(Array(first + beginning.count..<first + beginning.count + ending.count))
      }
    }
    bench.transformer.forward(bench.weights, bench.batch)
    let width = bench.transformer.hidden.columns
    let hidden = parts.map { rows in rows.flatMap { floats(bench.transformer.hidden.row($0), width) } }
    // The endings have a loss of their own each, the beginning one.
    bench.gradients.reset()
    bench.transformer.beginBackward(bench.batch)
    for (number, rows) in parts.enumerated() {
      var random = RandomStream(seed: 8, purpose: "gradient", index: UInt64(number))
      for row in rows {
        for column in 0..<width { bench.transformer.hiddenGradient.row(row)[column] = random.normal() / 10 }
      }
    }
    bench.transformer.backward(bench.weights, bench.batch, into: bench.gradients)
    bench.gradients.finish(bench.compute)
    let gradients = bench.gradients.parameters.tensors.map {
      ($0.tensor.name, floats($0.base, $0.tensor.count))
    }
    return Outcome(hidden: hidden, gradients: Dictionary(uniqueKeysWithValues: gradients))
  }

  @Test("have the bits of whole ones, and gradients within 10⁻⁶ of theirs", arguments: Architecture.kinds)
  func shared(architecture: Architecture) throws {
    let whole = compute(try Workbench(architecture), shares: false)
    let shared = compute(try Workbench(architecture), shares: true)
    for (one, other) in zip(shared.hidden, whole.hidden) { #expect(bits(one) == bits(other)) }
    for (name, gradient) in shared.gradients {
      let expected = try #require(whole.gradients[name])
      let largest = expected.map(\.magnitude).max()!
      let worst = zip(gradient, expected).map { ($0 - $1).magnitude }.max()!
      #expect(worst <= 1e-6 * largest, "\(name): off by \(worst) of \(largest)")
    }
    #expect(shared.gradients.values.contains { $0.contains { $0 != 0 } })
  }

  @Test("have the same bits for any threads and instruction set", arguments: Architecture.kinds)
  func exact(architecture: Architecture) throws {
    func outcome(threads: Int) throws -> [String: [UInt32]] {
      compute(try Workbench(architecture, threads: threads), shares: true).gradients.mapValues(bits)
    }
    let expected = try outcome(threads: 1)
    for threads in 2...3 { #expect(try outcome(threads: threads) == expected, "\(threads) threads") }
    for (set, result) in try underEachInstructionSet({ try outcome(threads: 1) }) {
      #expect(result == expected, "\(set)")
    }
  }
}
