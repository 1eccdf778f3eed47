import Support
import Tensors
import TestSupport
import Testing

@testable import Models

@Suite("Adapters and frozen tensors")
struct LowRankTests {
  private let sequences = [tokens(9, stream: 1), tokens(1, stream: 2), tokens(14, stream: 3)]
  private let adapter = LowRankOptions(rank: 3, alpha: 6)

  private func hidden(_ bench: Workbench, _ weights: TransformerWeights) -> [Float] {
    bench.load(sequences)
    bench.transformer.forward(weights, bench.batch)
    return bench.hidden
  }

  @Test("an adapter is scale·B·A added to each weight", arguments: Architecture.kinds)
  func merged(architecture: Architecture) throws {
    let bench = try Workbench(architecture, adapter: adapter)
    let ours = hidden(bench, bench.weights)
    for (tensor, base) in bench.base.tensors {
      guard case .projection = tensor.role else { continue }
      let name = tensor.name.dropLast(".weight".count)
      let a = try #require(bench.parameters.values("\(name).lora_a"))
      let b = try #require(bench.parameters.values("\(name).lora_b"))
      let inputs = tensor.dims[1]
      for row in 0..<tensor.dims[0] {
        for column in 0..<inputs {
          base[row * inputs + column] += (0..<3).reduce(Float(0)) {
            $0 + 2 * b[row * 3 + $1] * a[$1 * inputs + column]
          }
        }
      }
    }
    let merged = hidden(bench, TransformerWeights(bench.base))
    let worst = zip(ours, merged).map { abs($0 - $1) }.max()!
    #expect(worst < 2e-4 * ours.map(abs).max()!, "off by \(worst)")
  }

  @Test("an adapter that was just initialised changes no bit", arguments: Architecture.kinds)
  func initial(architecture: Architecture) throws {
    let bench = try Workbench(architecture, adapter: adapter)
    bench.parameters.initialize(seed: 1)
    #expect(bench.parameters.bits.contains { $0 != 0 })
    #expect(bits(hidden(bench, bench.weights)) == bits(hidden(bench, TransformerWeights(bench.base))))
  }

  @Test("rank stabilisation divides α by the root of the rank")
  func scale() {
    #expect(LowRankOptions(rank: 16, alpha: 32).scale == 2)
    #expect(LowRankOptions(rank: 16, alpha: 32, isRankStabilized: true).scale == 8)
  }

  @Test("an int8 base carries an adapter in float32")
  func int8() throws {
    let bench = try Workbench(.modern, adapter: adapter, training: false)
    let twin = try QuantizedWeights(bench.base.layout, arena: bench.arena)
    let quantized = twin.update(from: bench.base, compute: bench.compute)
    let plain = hidden(bench, quantized)
    let ours = hidden(bench, quantized.adapted(by: bench.parameters))
    let exact = hidden(bench, bench.weights)
    func distance(_ x: [Float], _ y: [Float]) -> Float { zip(x, y).reduce(0) { $0 + abs($1.0 - $1.1) } }
    #expect(distance(ours, exact) < 0.1 * distance(plain, exact))
  }

  /// Log-probabilities and the gradients of every tensor that learns.
  private func learn(_ bench: Workbench) -> (logprobs: [Float], gradients: [String: [UInt32]]) {
    let targets = tokens(24, stream: 4)
    let logprobs = bench.languageModel(
      sequences, targets: targets, dLogprobs: (0..<24).map { Float($0 % 5 - 2) / 24 }
    ).logprobs
    let gradients = bench.gradients.parameters.tensors.map {
      ($0.tensor.name, bits(floats($0.base, $0.tensor.count)))
    }
    return (logprobs, Dictionary(uniqueKeysWithValues: gradients))
  }

  @Test("a tensor that learns beside frozen ones has the gradient of full training, bit for bit")
  func frozen() throws {
    for architecture in Architecture.kinds {
      let all = learn(try Workbench(architecture)).gradients
      let parts: [(String, (TensorTable.Tensor) -> Bool)] = [
        ("the upper layer", { $0.name.hasPrefix("layers.1.") }),
        ("norms", { $0.role == .normWeight }),
        ("one projection", { $0.role == .projection(.down) }),
        ("the embedding", { $0.role == .tokenEmbedding }),
      ]
      for (what, learns) in parts {
        let bench = try Workbench(architecture, learns: learns)
        let gradients = learn(bench).gradients
        #expect(!gradients.isEmpty && gradients.count < all.count)
        for (name, gradient) in gradients { #expect(gradient == all[name], "\(name) of \(what)") }
      }
    }
  }

  @Test("what is frozen takes no memory for gradients, and nothing below the lowest layer that learns is computed")
  func costs() throws {
    func gradientBytes(_ bench: Workbench) -> Int {
      bench.arena.blocks.filter { $0.name.hasPrefix("gradients") }.reduce(0) { $0 + $1.bytes }
    }
    let full = try Workbench(.modern)
    let adapted = try Workbench(.modern, adapter: LowRankOptions(rank: 2, alpha: 2))
    #expect(gradientBytes(adapted) == 4 * adapted.parameters.layout.trunkCount)
    #expect(gradientBytes(adapted) < gradientBytes(full) / 3)
    let upper = try Workbench(.modern, learns: { $0.name.hasPrefix("layers.1.") })
    #expect(gradientBytes(upper) < gradientBytes(full) / 2)
    // The lower layer's activations would be overwritten by its backward pass: they are as the forward pass
    // left them.
    _ = learn(upper)
    let after = bits(floats(upper.transformer.activations.layers[0].up.base, 24 * 80))
    upper.load(sequences)
    upper.transformer.forward(upper.weights, upper.batch)
    #expect(bits(floats(upper.transformer.activations.layers[0].up.base, 24 * 80)) == after)
    _ = learn(full)
    #expect(bits(floats(full.transformer.activations.layers[0].up.base, 24 * 80)) != after)
  }

  @Test("gradients of adapters do not depend on threads or on what shares a pass")
  func exact() throws {
    let bench = try Workbench(.modern, adapter: adapter)
    let expected = learn(bench)
    for threads in 2...3 {
      let others = learn(try Workbench(.modern, adapter: adapter, threads: threads))
      #expect(others.gradients == expected.gradients && bits(others.logprobs) == bits(expected.logprobs))
    }
    for (set, result) in try underEachInstructionSet({ learn(try Workbench(.modern, adapter: adapter)) }) {
      #expect(result.gradients == expected.gradients, "\(set)")
    }
  }
}
