import Support
import Tensors
import Testing

@testable import Models

/// One model, its gradients, and a transformer to compute them with.
final class Workbench {
  let arena = Arena()
  let compute: Compute
  /// What learns: the whole model, or an adapter to it.
  let parameters: ParameterSet
  /// The whole model.
  let base: ParameterSet
  let weights: TransformerWeights
  let gradients: Gradients
  let transformer: Transformer
  let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>
  private let targets: UnsafeMutablePointer<Int32>
  private let outputs: UnsafeMutablePointer<Float>
  private let entropies: UnsafeMutablePointer<Float>
  private let dOutputs: UnsafeMutablePointer<Float>

  init(
    _ architecture: Architecture, scalarHead: Bool = false, adapter: LowRankOptions? = nil,
    learns: (TensorTable.Tensor) -> Bool = { _ in true }, threads: Int = 1, rows: Int = 288,
    training: Bool = true
  ) throws {
    try architecture.validate()
    compute = try Compute(
      threads: threads, arena: arena, int8Rows: rows,
      int8Columns: max(architecture.dModel, architecture.dFF, architecture.queryWidth),
      adapterRows: rows, adapterRank: adapter?.rank ?? 0)
    base = try ParameterSet(
      ParameterLayout(architecture, scalarHead: scalarHead && adapter == nil), name: "parameters",
      arena: arena)
    base.randomize(seed: 5)
    if let adapter {
      parameters = try ParameterSet(
        ParameterLayout(architecture, adapter: adapter, scalarHead: scalarHead), name: "adapter",
        arena: arena)
      parameters.randomize(seed: 6)
      weights = TransformerWeights(base).adapted(by: parameters)
    } else {
      parameters = base
      weights = TransformerWeights(base)
    }
    gradients = try Gradients(
      parameters.layout.filtered(learns), tokens: rows, name: "gradients", arena: arena)
    transformer = try Transformer(
      architecture, rows: rows, training: training, compute: compute, arena: arena)
    batch = try TokenBatch(capacity: rows, arena: arena)
    self.rows = try arena.allocate("rows", rows, of: Int32.self)
    targets = try arena.allocate("targets", rows, of: Int32.self)
    outputs = try arena.floats("outputs", rows)
    entropies = try arena.floats("entropies", rows)
    dOutputs = try arena.floats("output gradients", rows)
  }

  func load(_ sequences: [[Int32]]) {
    batch.removeAll()
    for sequence in sequences { batch.append(sequence) }
  }

  /// Log-probability and entropy of one target at every row; with `dLogprobs`, also the gradients
  /// of Σ dLogprob·logprob.
  func languageModel(
    _ sequences: [[Int32]], targets wanted: [Int32], dLogprobs: [Float]? = nil,
    inverseTemperature: Float = 1
  ) -> (logprobs: [Float], entropies: [Float]) {
    load(sequences)
    let count = batch.rows
    precondition(wanted.count == count, "\(wanted.count) targets, \(count) rows")
    for row in 0..<count {
      rows[row] = Int32(row)
      targets[row] = wanted[row]
    }
    let headRows = HeadRows(count: count, rows: rows, targets: targets)
    transformer.forward(weights, batch)
    if let dLogprobs {
      dOutputs.update(from: dLogprobs, count: count)
      gradients.reset()
      transformer.beginBackward(batch)
      transformer.logprobsBackward(
        weights, headRows, inverseTemperature: inverseTemperature, logprob: outputs,
        entropy: entropies, dLogprob: dOutputs, into: gradients)
      transformer.backward(weights, batch, into: gradients)
      gradients.finish(compute)
    } else {
      transformer.logprobs(
        weights, headRows, inverseTemperature: inverseTemperature, logprob: outputs,
        entropy: entropies)
    }
    return (floats(outputs, count), floats(entropies, count))
  }

  /// The scalar head at each sequence's last token; with `dScores`, also the gradients of
  /// Σ dScore·score.
  func scalarHead(_ sequences: [[Int32]], dScores: [Float]? = nil) -> [Float] {
    load(sequences)
    for (i, entry) in batch.entries.enumerated() { rows[i] = Int32(entry.row + entry.count - 1) }
    transformer.forward(weights, batch)
    transformer.scores(parameters.scalarHead!, rows: rows, count: sequences.count, to: outputs)
    if let dScores {
      dOutputs.update(from: dScores, count: sequences.count)
      gradients.reset()
      transformer.beginBackward(batch)
      transformer.scoresBackward(
        parameters.scalarHead!, rows: rows, count: sequences.count, dScores: dOutputs, into: gradients)
      transformer.backward(weights, batch, into: gradients)
      gradients.finish(compute)
    }
    return floats(outputs, sequences.count)
  }

  /// The final norm's output of the latest pass.
  var hidden: [Float] { floats(transformer.hidden.base, batch.rows * transformer.hidden.columns) }
}

func floats(_ base: UnsafePointer<Float>, _ count: Int) -> [Float] {
  Array(UnsafeBufferPointer(start: base, count: count))
}

/// The bytes, so that −0 differs from 0 and a NaN from nothing.
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

extension ParameterSet {
  var bits: [UInt32] {
    buffers.flatMap { UnsafeBufferPointer(start: $0.base, count: $0.count).map(\.bitPattern) }
  }

  /// Parameters large enough that no nonlinearity is close to a line and no distribution is flat.
  func randomize(seed: UInt64) {
    for (number, (tensor, base)) in tensors.enumerated() {
      var random = RandomStream(seed: seed, purpose: "randomize", index: UInt64(number))
      let isNorm = tensor.name.contains("norm")
      let isEmbedding = tensor.name.contains("embedding")
      let fanIn = Float(tensor.dims[tensor.dims.count - 1])
      let deviation =
        isEmbedding ? 0.7 : tensor.dims.count == 1 ? 0.2 : 1.2 / fanIn.squareRoot()
      let isFactor = isNorm && tensor.name.hasSuffix(".weight") && !layout.architecture.normUnitOffset
      let mean: Float = isFactor ? 1 : 0
      for i in 0..<tensor.count { base[i] = mean + deviation * random.normal() }
    }
  }
}

extension Architecture {
  /// GPT-2's choices, with widths that are no multiple of anything.
  static let classic = Architecture(
    layers: 2, dModel: 24, heads: 4, dFF: 40, vocabulary: 50, context: 160)

  /// Llama's choices, with grouped queries and a partly rotated head.
  static let modern = Architecture(
    layers: 2, dModel: 24, heads: 4, kvHeads: 2, dFF: 40, vocabulary: 50, context: 160,
    norm: .rmsNorm, position: .rotary, rotaryDim: 4, mlp: .swiglu, attentionBias: false,
    mlpBias: false, normBias: false, tiedEmbeddings: false)
}

extension Architecture: CustomTestStringConvertible {
  /// GPT-NeoX's choices: attention and MLP side by side.
  static let neox = Architecture(
    layers: 2, dModel: 24, heads: 4, dFF: 40, vocabulary: 50, context: 160, position: .rotary,
    rotaryDim: 2, mlp: .geluExact, tiedEmbeddings: false, parallelResidual: true)

  /// Qwen3's choices, and Llama 3.1's rope.
  static let qwen3 = Architecture(
    layers: 2, dModel: 24, heads: 4, kvHeads: 2, headDim: 10, dFF: 40, vocabulary: 50, context: 160,
    norm: .rmsNorm, position: .rotary, rotaryDim: 10,
    ropeScaling: RotaryScaling(
      factor: 4, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 60),
    mlp: .swiglu, attentionBias: false, mlpBias: false, normBias: false, queryKeyNorm: true)

  /// Gemma's choices, with both caps, and Granite's factors: three layers, of which the middle one sees everything.
  static let gemma = Architecture(
    layers: 3, dModel: 24, heads: 4, kvHeads: 2, headDim: 10, dFF: 40, vocabulary: 50, context: 160,
    norm: .rmsNorm, position: .rotary, rotaryDim: 10, rotaryTheta: 1000, mlp: .geglu, attentionBias: false,
    mlpBias: false, normBias: false, queryKeyNorm: true, normPlacement: .both, normUnitOffset: true,
    attentionScale: 0.4, attentionCap: 3, logitCap: 5, embeddingScale: 1.5, logitScale: 0.8, residualScale: 0.7,
    otherLayers: .init(period: 2, places: 1, window: 9, rotaryTheta: 100))

  /// OLMo 2's norms, windows everywhere, and a layer without positions.
  static let olmo = Architecture(
    layers: 3, dModel: 24, heads: 4, kvHeads: 2, headDim: 6, dFF: 40, vocabulary: 50, context: 160,
    norm: .rmsNorm, position: .rotary, rotaryDim: 6, mlp: .swiglu, attentionBias: false,
    mlpBias: false, normBias: false, tiedEmbeddings: false, queryKeyNorm: true, queryKeyNormSpansHeads: true,
    normPlacement: .after, window: 20, otherLayers: .init(period: 3, places: 4, window: 70, rotaryTheta: 0))

  static let kinds: [Architecture] = [.classic, .modern, .neox, .qwen3, .gemma, .olmo]

  public var testDescription: String {
    let names: [(Architecture, String)] = [
      (.classic, "classic"), (.modern, "modern"), (.neox, "neox"), (.qwen3, "qwen3"), (.gemma, "gemma"),
      (.olmo, "olmo"),
    ]
    return names.first { $0.0 == self }?.1 ?? "\(self)"
  }
}

/// Reproducible tokens below `vocabulary`.
func tokens(_ count: Int, vocabulary: Int = 50, stream: UInt64) -> [Int32] {
  var random = RandomStream(seed: 9, purpose: "tokens", index: stream)
  return (0..<count).map { _ in Int32(random.below(vocabulary)) }
}
