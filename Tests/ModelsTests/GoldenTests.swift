import Foundation
import Support
import Tensors
import TestSupport
import Testing

@testable import Models

/// A model computed by PyTorch in float64; Tools/goldens/make_model.py says what each field is.
private struct Golden: Decodable {
  struct Shape: Decodable {
    var vocabulary, context, width, layers, heads, kvHeads, headDim, feedForward: Int
    var norm, positions, activation: String
    var normEpsilon, rotaryTheta: Float
    var rotary: Int
    var biases, qkvBiases, parallel, headNorms, tied: Bool
    var ropeScaling: RopeScaling?

    struct RopeScaling: Decodable {
      var factor, low_freq_factor, high_freq_factor: Float
      var original_context: Int
    }

    enum CodingKeys: String, CodingKey {
      case vocabulary, context, width, layers, heads, norm, positions, activation, rotary, biases
      case parallel, tied
      case qkvBiases = "qkv_biases"
      case headNorms = "head_norms"
      case ropeScaling = "rope_scaling"
      case kvHeads = "kv_heads"
      case headDim = "head_dim"
      case feedForward = "feed_forward"
      case normEpsilon = "norm_epsilon"
      case rotaryTheta = "rotary_theta"
    }

    var architecture: Architecture {
      Architecture(
        layers: layers, dModel: width, heads: heads, kvHeads: kvHeads, headDim: headDim,
        dFF: feedForward, vocabulary: vocabulary, context: context,
        norm: norm == "rms" ? .rmsNorm : .layerNorm, normEpsilon: normEpsilon,
        position: positions == "rotary" ? .rotary : .learned, rotaryDim: rotary,
        rotaryTheta: rotaryTheta,
        ropeScaling: ropeScaling.map {
          RotaryScaling(
            factor: $0.factor, lowFrequencyFactor: $0.low_freq_factor,
            highFrequencyFactor: $0.high_freq_factor, originalContext: $0.original_context)
        },
        mlp: ["gelu": .gelu, "gelu_exact": .geluExact, "swiglu": .swiglu][activation]!,
        attentionBias: qkvBiases, attentionOutputBias: biases, mlpBias: biases, normBias: biases,
        tiedEmbeddings: tied, parallelResidual: parallel, queryKeyNorm: headNorms)
    }
  }

  struct Tensor: Decodable {
    var name: String
    var shape: [Int]?
    var data: Floats
  }

  /// Base64 of little-endian float32.
  struct Floats: Decodable {
    var values: [Float]

    init(from decoder: any Decoder) throws {
      let text = try decoder.singleValueContainer().decode(String.self)
      let bytes = try #require(Data(base64Encoded: text))
      values = stride(from: 0, to: bytes.count, by: 4).map { first in
        Float(
          bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[first + $1]) << (8 * $1) })
      }
    }
  }

  struct LanguageModel: Decodable {
    var count: Int
    var loss: Double
    var logprobs, logprobsCool, entropy, hidden, logits: Floats
    var hiddenSum, hiddenAbsSum: Double
    var rows: [Int32]
    var gradients: [Tensor]

    enum CodingKeys: String, CodingKey {
      case count, loss, logprobs, entropy, hidden, logits, rows, gradients
      case logprobsCool = "logprobs_cool"
      case hiddenSum = "hidden_sum"
      case hiddenAbsSum = "hidden_abs_sum"
    }
  }

  struct ScalarHead: Decodable {
    var scores, weights: Floats
    var loss: Double
    var gradients: [Tensor]
  }

  var tolerance: Double
  var architecture: Shape
  var parameters: [Tensor]
  var sequences: [[Int32]]
  var targets: [Int32]
  var weights: Floats
  var languageModel: LanguageModel
  var scalarHead: ScalarHead

  enum CodingKeys: String, CodingKey {
    case tolerance, architecture, parameters, sequences, targets, weights
    case languageModel = "language_model"
    case scalarHead = "scalar_head"
  }

  static func load(_ name: String) throws -> Golden {
    let path = try #require(
      Bundle.module.path(forResource: name, ofType: "json", inDirectory: "Goldens"))
    return try JSON.decode(Golden.self, from: Files.read(path), at: path)
  }

  /// A workbench that holds this model's parameters, every one of them.
  func workbench(scalarHead: Bool) throws -> Workbench {
    let bench = try Workbench(architecture.architecture, scalarHead: scalarHead, rows: 80)
    for (tensor, base) in bench.parameters.tensors {
      let golden = try #require(parameters.first { $0.name == tensor.name }, "\(tensor.name)")
      try #require(golden.shape == tensor.dims && golden.data.values.count == tensor.count)
      base.update(from: golden.data.values, count: tensor.count)
    }
    return bench
  }

  /// |ours − golden| / max|golden| of one tensor.
  func expectClose(_ ours: [Float], _ golden: Floats, _ name: String) {
    #expect(ours.count == golden.values.count && !ours.isEmpty, "\(name)")
    let largest = golden.values.reduce(0) { max($0, abs($1)) }
    let worst = zip(ours, golden.values).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(Double(worst) <= tolerance * Double(largest), "\(name): off by \(worst) of \(largest)")
    #expect(ours.allSatisfy { $0.isFinite }, "\(name)")
  }

  func expectClose(_ ours: Gradients, _ golden: [Tensor]) throws {
    #expect(golden.count == ours.parameters.tensors.count)
    for (tensor, base) in ours.parameters.tensors {
      let expected = try #require(golden.first { $0.name == tensor.name }, "\(tensor.name)")
      expectClose(floats(base, tensor.count), expected.data, tensor.name)
    }
  }
}

@Suite("A model computes what PyTorch computes, under every instruction set")
struct GoldenTests {
  /// GPT-2, Llama, GPT-NeoX, Qwen3, and Qwen2 with Llama 3.1's rope.
  private static let models = ["model_a", "model_b", "model_c", "model_d", "model_e"]

  @Test("logits, log-probabilities, loss and every gradient", arguments: models)
  func languageModel(name: String) throws {
    let golden = try Golden.load(name)
    let expected = golden.languageModel
    let bench = try golden.workbench(scalarHead: false)
    let dLogprobs = golden.weights.values.map { -$0 / Float(expected.count) }
    _ = try underEachInstructionSet {
      let cool = bench.languageModel(
        golden.sequences, targets: golden.targets, inverseTemperature: 1 / 0.7)
      golden.expectClose(cool.logprobs, expected.logprobsCool, "log-probabilities at 0.7")
      let ours = bench.languageModel(
        golden.sequences, targets: golden.targets, dLogprobs: dLogprobs)
      golden.expectClose(ours.logprobs, expected.logprobs, "log-probabilities")
      golden.expectClose(ours.entropies, expected.entropy, "entropies")
      let loss = zip(ours.logprobs, golden.weights.values).reduce(0.0) {
        $0 - Double($1.0) * Double($1.1)
      }
      #expect(abs(loss / Double(expected.count) - expected.loss) <= golden.tolerance)
      try golden.expectClose(bench.gradients, expected.gradients)

      let sum = bench.hidden.reduce(0.0) { $0 + Double($1) }
      #expect(abs(sum - expected.hiddenSum) <= golden.tolerance * expected.hiddenAbsSum)
      let width = golden.architecture.width
      let hidden = expected.rows.flatMap { row in
        floats(bench.transformer.hidden.row(Int(row)), width)
      }
      golden.expectClose(hidden, expected.hidden, "hidden states")
      let logits = bench.transformer.logits(bench.weights, expected.rows, expected.rows.count)
      golden.expectClose(
        floats(logits.base, logits.rows * logits.columns), expected.logits, "logits")
    }
  }

  @Test("scores of the scalar head and every gradient", arguments: models)
  func scalarHead(name: String) throws {
    let golden = try Golden.load(name)
    let expected = golden.scalarHead
    let bench = try golden.workbench(scalarHead: true)
    _ = try underEachInstructionSet {
      let scores = bench.scalarHead(golden.sequences, dScores: expected.weights.values)
      golden.expectClose(scores, expected.scores, "scores")
      let loss = zip(scores, expected.weights.values).reduce(0.0) {
        $0 + Double($1.0) * Double($1.1)
      }
      #expect(abs(loss - expected.loss) <= golden.tolerance)
      try golden.expectClose(bench.gradients, expected.gradients)
    }
  }
}
