import Support
import Tensors

/// Who looks at what a float32 pass computes.
protocol PassObserver: AnyObject {
  /// A projection is about to multiply with x [T, inputs].
  func multiplies(_ linear: Linear, _ x: Matrix)
  /// Queries and keys of a layer, rotated to their positions, as rows of a fused activation.
  func attends(_ layer: Int, _ qkv: Matrix)
}

/// How large the channels are that an int8 product meets, so that they can be balanced against the weights.
///
/// A token's activations share one scale, and so do the weights of an output: a channel far above the others
/// takes the resolution of all. With x ∘ f and w ∘ 1/f the product is the same; f² = |w| / |x|, channel by
/// channel, makes the sum of both errors least (Xiao et al. 2023, SmoothQuant, with α = ½). |x| is measured on
/// tokens that are drawn at random: they need no text, and give what text gives
/// (`Tools/experiments/README.md`).
final class ChannelBalance: PassObserver {
  /// Sequences that are looked at, and their tokens, where the context holds them.
  private static let (sequences, length) = (4, 64)
  /// Beyond so many binary orders from the middle a channel is not lifted: one that only slept while it was
  /// looked at would drown the others when it wakes.
  private static let highest = 4

  /// Σ|x| of each channel, by the weights that it meets.
  private var inputs: [UnsafeMutablePointer<Float>: [Float]] = [:]
  /// Σ|q| and Σ|k| of each channel, by layer.
  private var queries: [[Float]]
  private var keys: [[Float]]
  private let architecture: Architecture

  /// Passes random tokens through a model.
  /// - Parameter transformer: of the same architecture, in float32.
  /// - Throws: `Failure(.badData)` for a model whose activations overflow.
  init(_ parameters: ParameterSet, on transformer: Transformer) throws {
    let architecture = parameters.layout.architecture
    self.architecture = architecture
    queries = Array(repeating: Array(repeating: 0, count: architecture.queryWidth), count: architecture.layers)
    keys = Array(repeating: Array(repeating: 0, count: architecture.keyValueWidth), count: architecture.layers)
    let length = min(Self.length, architecture.context)
    let batch = try TokenBatch(capacity: length, name: "int8 balance", arena: Arena())
    let rows = (0..<length).map(Int32.init)
    let weights = TransformerWeights(parameters)
    transformer.observer = self
    defer { transformer.observer = nil }
    for number in 0..<Self.sequences {
      var random = RandomStream(seed: 0, purpose: "int8/balance", index: UInt64(number))
      batch.removeAll()
      batch.append((0..<length).map { _ in Int32(random.below(architecture.vocabulary)) })
      transformer.forward(weights, batch)
      guard weights.unembedding != nil else { continue }
      transformer.observeHead(weights, rows)
    }
    let sums = Array(inputs.values) + queries + keys
    guard sums.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
      throw Failure(
        .badData, "some of its activations are not finite numbers, and int8 has no scale for those",
        remedy: "Use float32 (--precision float32, --rollout-precision float32), or another model.")
    }
  }

  func multiplies(_ linear: Linear, _ x: Matrix) {
    Self.add(x, to: &inputs[linear.floats, default: Array(repeating: 0, count: linear.inputs)])
  }

  func attends(_ layer: Int, _ qkv: Matrix) {
    Self.add(qkv.columns(0, architecture.queryWidth), to: &queries[layer])
    Self.add(qkv.columns(architecture.queryWidth, architecture.keyValueWidth), to: &keys[layer])
  }

  private static func add(_ x: Matrix, to sums: inout [Float]) {
    sums.withUnsafeMutableBufferPointer { sums in
      for t in 0..<x.rows {
        let row = x.row(t)
        for i in 0..<x.columns { sums[i] += row[i].magnitude }
      }
    }
  }

  /// Of a projection, what its inputs are to be multiplied by, [inputs].
  func factors(of weights: UnsafeMutablePointer<Float>, outputs: Int, inputs: Int) -> [Float] {
    guard let met = self.inputs[weights] else { return Array(repeating: 1, count: inputs) }
    var sums = [Float](repeating: 0, count: inputs)
    Self.add(Matrix(weights, outputs, inputs), to: &sums)
    return Self.factors(sums, over: met)
  }

  /// Of a layer, what its keys are to be multiplied by, and its queries divided, [kvHeads, headDim].
  func keyFactors(layer: Int) -> [Float] {
    let (headDim, share) = (architecture.headDim, architecture.heads / architecture.kvHeads)
    var asking = [Float](repeating: 0, count: architecture.keyValueWidth)
    for head in 0..<architecture.heads {
      for i in 0..<headDim { asking[head / share * headDim + i] += queries[layer][head * headDim + i] }
    }
    return (0..<architecture.kvHeads).flatMap { head in
      let range = head * headDim..<(head + 1) * headDim
      return Self.factors(Array(asking[range]), over: Array(keys[layer][range]))
    }
  }

  /// √(w/x) of each channel as a power of two, 1 in the middle channel; w and x are known up to a factor.
  static func factors(_ w: [Float], over x: [Float]) -> [Float] {
    func bounded(_ sum: Float) -> Float {
      sum.isFinite ? max(sum, .leastNormalMagnitude) : .greatestFiniteMagnitude
    }
    let (w, x) = (w.map(bounded), x.map(bounded))
    let octaves = zip(w, x).map { octave(of: $0) - octave(of: $1) }
    let middle = octaves.sorted()[octaves.count / 2]
    return octaves.map { difference in
      // Half of the difference, to the nearest.
      let half = min(Self.highest, ((difference - middle + 1) >> 1))
      return Float(sign: .plus, exponent: max(-30, half), significand: 1)
    }
  }

  /// The binary logarithm to the nearest whole number.
  private static func octave(of value: Float) -> Int {
    Int(value.exponent) + (value.significand > Float(2).squareRoot() ? 1 : 0)
  }
}
