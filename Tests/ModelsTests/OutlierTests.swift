import Support
import Tensors
import Testing

@testable import Models

/// Changes of a model that leave its function as it is and give activations an outlier: the exact reference
/// of what int8 makes of it is known.
enum Outlier: CustomTestStringConvertible, Sendable {
  /// In each layer a channel of each norm is so many times as large, and the column that reads it is as many
  /// times smaller.
  case norm(Float)
  /// A channel of each key has this bias: without rotary positions it adds the same to all scores of a query.
  case key(Float)

  func make(in set: ParameterSet) {
    let a = set.layout.architecture
    for layer in 0..<a.layers {
      let (channel, prefix) = ((5 * layer + 3) % a.dModel, "layers.\(layer)")
      switch self {
      case .norm(let scale):
        let up = a.mlp.isGated ? "gate_up" : "up"
        for (norm, reader) in [("norm1", "attention.qkv"), ("norm2", "mlp.\(up)")] {
          set.values("\(prefix).\(norm).weight")![channel] *= scale
          set.values("\(prefix).\(norm).bias")?[channel] *= scale
          let tensor = set.layout.trunk["\(prefix).\(reader).weight"]!
          let weights = set.values(tensor.name)!
          for row in 0..<tensor.dims[0] { weights[row * a.dModel + channel] /= scale }
        }
      case .key(let bias):
        let biases = set.values("\(prefix).attention.qkv.bias")! + a.queryWidth
        for head in 0..<a.kvHeads { biases[head * a.headDim + 1] += bias }
      }
    }
  }

  var testDescription: String { "\(self)" }
}

@Suite("int8 and outliers")
struct OutlierTests {
  private static let learned = Architecture.gpt2(layers: 2, dModel: 64, heads: 2, vocabulary: 300, context: 64)
  private static let rotary = Architecture(
    layers: 2, dModel: 80, heads: 4, kvHeads: 2, dFF: 112, vocabulary: 300, context: 64, norm: .rmsNorm,
    position: .rotary, rotaryDim: 20, mlp: .swiglu, attentionBias: false, mlpBias: false, normBias: false)

  /// log π of some sequences: in float32, and in int8 with and without its balance.
  private struct Measured {
    let float32, balanced, plain: [Float]

    init(_ architecture: Architecture, _ outlier: Outlier?) throws {
      let bench = try Workbench(architecture, training: false)
      outlier?.make(in: bench.parameters)
      let generator = try Generator(
        transformer: bench.transformer, slots: 8, capacity: 48, keyValues: .int8, arena: bench.arena)
      let sequences = (0..<6).map { stream in tokens(48, stream: UInt64(stream)).map { $0 % 300 } }
      let targets = sequences.flatMap { $0.dropFirst() + [0] }
      float32 = bench.languageModel(sequences, targets: targets).logprobs
        .enumerated().filter { $0.offset % 48 != 47 }.map(\.element)
      let twin = try QuantizedWeights(bench.parameters.layout, arena: bench.arena)
      func int8() -> [Float] {
        let weights = twin.update(from: bench.parameters, compute: bench.compute)
        return generator.logprobs(of: sequences, weights: weights).flatMap { $0 }
      }
      plain = int8()
      try twin.balance(by: bench.parameters, on: bench.transformer)
      balanced = int8()
    }

    /// KL(int8 ‖ float32) by the estimator k3, nats a token.
    func k3(_ int8: [Float]) -> Double {
      zip(float32, int8).reduce(0.0) {
        let d = Double($1.0) - Double($1.1)
        return $0 + DeterministicMath.expRemainder(d)
      } / Double(int8.count)
    }
  }

  @Test("the function stays as it is", arguments: [Outlier.norm(100), .key(200)])
  func preserved(outlier: Outlier) throws {
    let (before, after) = (try Measured(Self.learned, nil), try Measured(Self.learned, outlier))
    for (a, b) in zip(before.float32, after.float32) { #expect((a - b).magnitude < 1e-3) }
  }

  @Test(
    "an outlier that the balance sees costs int8 next to nothing, and much without",
    arguments: [Outlier.norm(30), .norm(100), .key(50), .key(200)])
  func balanced(outlier: Outlier) throws {
    let (without, with) = (try Measured(Self.learned, nil), try Measured(Self.learned, outlier))
    let (before, after, plain) = (without.k3(without.balanced), with.k3(with.balanced), with.k3(with.plain))
    #expect(after < 1.5 * before, "\(before) without it, \(after) with it")
    // A key's bias of 50 is not far above what keys of random weights are.
    if case .key(50) = outlier { return }
    #expect(plain > 2 * after, "\(plain) without the balance, \(after) with it")
  }

  @Test("grouped heads with rotary positions and a gated MLP are balanced too", arguments: [Outlier.norm(100)])
  func gated(outlier: Outlier) throws {
    let (without, with) = (try Measured(Self.rotary, nil), try Measured(Self.rotary, outlier))
    let (before, after, plain) = (without.k3(without.balanced), with.k3(with.balanced), with.k3(with.plain))
    #expect(after < 1.2 * before && plain > 2 * after, "\(before), \(plain) without the balance, \(after) with it")
  }

  @Test("factors are powers of two, lower where a channel is large, and never far above the middle")
  func factors() {
    let factors = ChannelBalance.factors([1, 1, 1, 0.01, 1, 0], over: [1, 1, 1, 100, 0, 1])
    #expect(factors.allSatisfy { $0 > 0 && $0.significand == 1 })
    #expect(Array(factors[0..<3]) == [1, 1, 1])
    #expect(factors[3] == Float(1.0 / 128))
    #expect(factors[4] == 16 && factors[5] == Float(sign: .plus, exponent: -30, significand: 1))
  }
}
