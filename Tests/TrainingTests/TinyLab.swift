import Models
import Support
import Tensors
import TestSupport

@testable import Training

/// Threads, memory and transformers for models of 2 layers and 32 dimensions.
final class TinyLab {
  static let architecture = Architecture(
    layers: 2, dModel: 32, heads: 4, kvHeads: 2, dFF: 48, vocabulary: 20, context: 64,
    norm: .rmsNorm, position: .rotary, rotaryDim: 8, mlp: .swiglu, attentionBias: false,
    mlpBias: false, normBias: false)

  let arena = Arena()
  let compute: Compute
  let training: Transformer
  let inference: Transformer

  /// - Parameter rows: tokens of a training pass.
  init(threads: Int = 1, rows: Int = 1024, adapterRank: Int = 0) throws {
    compute = try Compute(
      threads: threads, arena: arena, int8Rows: max(64, rows), int8Columns: 64, adapterRows: rows,
      adapterRank: adapterRank)
    training = try Transformer(
      Self.architecture, rows: rows, training: true, compute: compute, arena: arena)
    inference = try Transformer(
      Self.architecture, rows: max(64, rows), training: false, compute: compute, arena: arena)
  }

  /// Freshly initialised parameters, matrices `scale` times as large.
  func parameters(scalarHead: Bool = false, seed: UInt64 = 1, scale: Float = 1) throws
    -> ParameterSet
  {
    let layout = ParameterLayout(Self.architecture, scalarHead: scalarHead)
    let parameters = try ParameterSet(layout, name: "parameters", arena: arena)
    parameters.initialize(seed: seed)
    for (tensor, base) in parameters.tensors where tensor.dims.count > 1 {
      for i in 0..<tensor.count { base[i] *= scale }
    }
    return parameters
  }

  func model(
    _ parameters: ParameterSet, options: AdamW.Options = .init(), tokens: Int = 8192
  ) throws -> TrainableModel {
    try TrainableModel(parameters, options: options, tokens: tokens, name: "model", arena: arena)
  }
}

/// The bytes, so that −0 differs from 0.
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

extension ParameterSet {
  var bits: [UInt32] {
    buffers.flatMap { UnsafeBufferPointer(start: $0.base, count: $0.count).map(\.bitPattern) }
  }
}

extension TrainableModel {
  /// Parameters and moments.
  var bits: [UInt32] { parameters.bits + optimizer.m.bits + optimizer.v.bits }
}

/// Reproducible tokens in 1..<20: no end token among them.
func tokens(_ count: Int, stream: UInt64) -> [Int32] {
  var random = RandomStream(seed: 9, purpose: "tokens", index: stream)
  return (0..<count).map { _ in Int32(1 + random.below(19)) }
}

/// What a trajectory must give however it is computed: `body(threads, rows)` with passes of
/// `longest` tokens and large ones, on 1, 2 and 3 threads, under every instruction set.
func trajectories<Result>(
  longest: Int, _ body: (_ threads: Int, _ rows: Int) throws -> Result
) throws -> (reference: Result, others: [(name: String, result: Result)]) {
  let reference = try body(1, 1024)
  var others = try [(1, longest), (1, 2 * longest + 1), (2, 1024), (3, longest)].map {
    (name: "\($0.0) threads, passes of \($0.1)", result: try body($0.0, $0.1))
  }
  for (set, result) in try underEachInstructionSet({ try body(1, 1024) }) {
    others.append((name: "\(set)", result: result))
  }
  return (reference, others)
}
