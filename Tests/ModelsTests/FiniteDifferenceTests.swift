import Support
import Tensors
import Testing

@testable import Models

/// Every architecture that the choices make, tiny: heads whose width is not d_model / heads.
private let architectures: [Architecture] = {
  var all: [Architecture] = []
  for norm in [Architecture.NormKind.layerNorm, .rmsNorm] {
    for position in [Architecture.PositionKind.learned, .rotary] {
      for mlp in [Architecture.MLP.gelu, .swiglu] {
        for kvHeads in [4, 2, 1] {
          for bias in [false, true] {
            for tied in [false, true] {
              all.append(
                Architecture(
                  layers: 2, dModel: 8, heads: 4, kvHeads: kvHeads, headDim: 4, dFF: 12,
                  vocabulary: 13, context: 10, norm: norm, position: position,
                  rotaryDim: position == .rotary ? (bias ? 4 : 2) : 0, rotaryTheta: 100, mlp: mlp,
                  attentionBias: bias, mlpBias: bias, normBias: bias, tiedEmbeddings: tied))
            }
          }
        }
      }
    }
  }
  return all + relatives
}()

/// GPT-NeoX, Qwen2, Qwen3, Llama 3.1, Mistral, SmolLM3, OLMo 2, Granite and Gemma, each with what it does not share with
/// the others.
private let relatives: [Architecture] = {
  func base(_ change: (inout Architecture) -> Void) -> Architecture {
    var a = Architecture(
      layers: 2, dModel: 8, heads: 4, kvHeads: 2, headDim: 4, dFF: 12, vocabulary: 13, context: 10,
      norm: .rmsNorm, position: .rotary, rotaryDim: 4, rotaryTheta: 100, mlp: .swiglu,
      attentionBias: false, mlpBias: false, normBias: false, tiedEmbeddings: false)
    change(&a)
    return a
  }
  func neox(_ a: inout Architecture) {
    (a.norm, a.normBias, a.mlp, a.mlpBias) = (.layerNorm, true, .geluExact, true)
    (a.attentionBias, a.attentionOutputBias, a.rotaryDim) = (true, true, 2)
  }
  return [
    base { neox(&$0); $0.parallelResidual = true },
    base { neox(&$0) },
    base { $0.parallelResidual = true },
    base { $0.attentionBias = true },
    base { $0.queryKeyNorm = true },
    base { $0.queryKeyNorm = true; $0.parallelResidual = true; $0.kvHeads = 1 },
    base {
      $0.ropeScaling = RotaryScaling(
        factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 20)
    },
    base { $0.window = 3 },
    base { $0.otherLayers = .init(period: 2, places: 2, window: 2) },
    base { ($0.normPlacement, $0.queryKeyNorm, $0.queryKeyNormSpansHeads) = (.after, true, true) },
    base { ($0.attentionScale, $0.embeddingScale, $0.residualScale, $0.logitScale) = (0.3, 3, 0.5, 0.25) },
    base {
      ($0.mlp, $0.normPlacement, $0.normUnitOffset, $0.queryKeyNorm) = (.geglu, .both, true, true)
      ($0.attentionCap, $0.logitCap, $0.tiedEmbeddings) = (1.5, 2, true)
      $0.otherLayers = .init(period: 2, places: 1, window: 3, rotaryTheta: 10)
    },
    base { $0.mlp = .gegluExact },
    base { ($0.mlp, $0.normUnitOffset) = (.silu, true) },
  ]
}()

private let sequences = [
  tokens(7, vocabulary: 13, stream: 1), tokens(1, vocabulary: 13, stream: 2),
  tokens(5, vocabulary: 13, stream: 3),
]

@Suite("Gradients are the derivatives of what the forward pass computes")
struct FiniteDifferenceTests {
  @Test("of a weighted sum of log-probabilities, for every architecture")
  func languageModel() throws {
    #expect(architectures.count == 96 + relatives.count)
    for architecture in architectures {
      let bench = try Workbench(architecture, rows: 16)
      let targets = tokens(13, vocabulary: 13, stream: 4)
      var random = RandomStream(seed: 1, purpose: "weights")
      let weights = (0..<13).map { $0 == 3 ? 0 : random.normal() / 13 }
      _ = bench.languageModel(
        sequences, targets: targets, dLogprobs: weights, inverseTemperature: 0.8)
      expectDerivatives(bench) {
        zip(
          bench.languageModel(sequences, targets: targets, inverseTemperature: 0.8).logprobs,
          weights
        ).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
    }
  }

  @Test("of what dropout leaves, the same elements in both directions")
  func dropout() throws {
    for architecture in relatives + [architectures[0]] {
      let bench = try Workbench(architecture, rows: 16)
      bench.transformer.dropout = Dropout(probability: 0.3, key: 0x1234_5678_9ABC)
      let targets = tokens(13, vocabulary: 13, stream: 4)
      let weights = (0..<13).map { Float($0 % 5) / 13 }
      _ = bench.languageModel(sequences, targets: targets, dLogprobs: weights)
      expectDerivatives(bench) {
        zip(bench.languageModel(sequences, targets: targets).logprobs, weights)
          .reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
    }
  }

  @Test("of a weighted sum of scores, for every architecture")
  func scalarHead() throws {
    for architecture in architectures where architecture.kvHeads != 4 {
      let bench = try Workbench(architecture, scalarHead: true, rows: 16)
      let weights: [Float] = [0.5, -0.75, 0.5]
      _ = bench.scalarHead(sequences, dScores: weights)
      expectDerivatives(bench) {
        zip(bench.scalarHead(sequences), weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
    }
  }

  @Test("of both heads through adapters to a frozen model, for every architecture and some of its projections")
  func adapters() throws {
    let targets: [Set<Projection>] = [Set(Projection.allCases), [.queryKeyValue, .down], [.up]]
    for (index, architecture) in architectures.enumerated() where architecture.kvHeads == 2 {
      let adapter = LowRankOptions(rank: 2, alpha: 0.5, targets: targets[index % 3])
      let bench = try Workbench(architecture, adapter: adapter, rows: 16)
      let wanted = tokens(13, vocabulary: 13, stream: 4)
      let weights = (0..<13).map { [Float(0.1), -0.15, 0.05][$0 % 3] }
      _ = bench.languageModel(sequences, targets: wanted, dLogprobs: weights)
      expectDerivatives(bench) {
        zip(bench.languageModel(sequences, targets: wanted).logprobs, weights)
          .reduce(0) { $0 + Double($1.0) * Double($1.1) }
      }
      let scored = try Workbench(architecture, scalarHead: true, adapter: adapter, rows: 16)
      _ = scored.scalarHead(sequences, dScores: [0.5, -0.75, 0.5])
      expectDerivatives(scored) {
        zip(scored.scalarHead(sequences), [0.5, -0.75, 0.5]).reduce(0) { $0 + Double($1.0) * $1.1 }
      }
    }
  }

  /// For each tensor, the derivative along g/|g| plus a random unit vector, by the fourth-order
  /// stencil (8(f(h) − f(−h)) − f(2h) + f(−2h)) / 12h.
  ///
  /// f is a weighted sum of some ten float32 numbers of size 1 to 5, each a few units in the last
  /// place off: 1e-6 in all at worst, which the stencil divides by h. What the stencil leaves out
  /// is h⁴/30 of the fifth derivative, which is huge where a norm's input is small; so h shrinks
  /// until the two agree. A wrong term in a backward pass is 1e-2 of the gradient off at every h.
  private func expectDerivatives(_ bench: Workbench, _ f: () -> Double) {
    let architecture = bench.parameters.layout.architecture
    for (number, (tensor, base)) in bench.parameters.tensors.enumerated() {
      let gradient = floats(bench.gradients.parameters.values(tensor.name)!, tensor.count)
      let norm = length(gradient)
      #expect(norm > 1e-2, "\(tensor.name) has no gradient, \(architecture)")
      var random = RandomStream(seed: 3, purpose: "direction", index: UInt64(number))
      let noise = (0..<tensor.count).map { _ in random.normal() }
      let noiseNorm = length(noise)
      let direction = zip(gradient, noise).map { $0 / norm + $1 / noiseNorm }
      let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }

      let saved = floats(base, tensor.count)
      func value(_ step: Float) -> Double {
        for i in 0..<tensor.count { base[i] = saved[i] + step * direction[i] }
        return f()
      }
      for h in [Float(0.02), 0.005, 0.00125] {
        let numeric =
          (8 * (value(h) - value(-h)) - value(2 * h) + value(-2 * h)) / (12 * Double(h))
        if abs(numeric - expected) <= 1e-6 / Double(h) + 1e-3 * Double(norm) { break }
        if h == 0.00125 {
          Issue.record(
            "\(tensor.name): \(numeric) numerically, \(expected) analytically, \(architecture)")
        }
      }
      base.update(from: saved, count: tensor.count)
    }
  }

  private func length(_ x: [Float]) -> Float {
    x.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}
