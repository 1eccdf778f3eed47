import Support
import Tensors

/// Observes the values that a float32 pass computes.
protocol PassObserver: AnyObject {
  /// Called before a projection is applied to x [T, inputs].
  func multiplies(_ linear: Linear, _ x: Matrix)
  /// Called with the queries and keys of a layer after rotation, as rows of a fused activation.
  func attends(_ layer: Int, _ qkv: Matrix)
}

/// Measures the channels of activations, so that int8 can balance them against the weights.
///
/// All activations of a token share one scale, and all weights of an output share one scale. One channel far above the
/// others therefore costs all channels resolution. The product of x ∘ f and w ∘ 1/f is the product of x and w;
/// f² = |w| / |x|, for each channel, minimises the sum of both errors (Xiao et al. 2023, SmoothQuant, with α = ½). |x|
/// is measured on random tokens: they need no text, and the result is as good as with text
/// (`Tools/experiments/README.md`).
final class ChannelBalance: PassObserver {
  /// Number of random sequences, and their length in tokens (at most the context).
  private static let (sequences, length) = (4, 64)
  /// The largest exponent of a factor; the median channel has 0. A channel that is almost 0 on the random tokens but
  /// large on other text would otherwise dominate all others.
  private static let highest = 4

  /// Σ|x| of each channel, by the weights that read it.
  private var inputs: [UnsafeRawPointer: [Float]] = [:]
  /// Σ|q| and Σ|k| of each channel, by layer.
  private var queries: [[Float]]
  private var keys: [[Float]]
  private let architecture: Architecture

  /// Runs random tokens through a model.
  /// - Parameter transformer: a float32 transformer of the same architecture.
  /// - Throws: `Failure(.badData)` if activations of the model are not finite.
  init(_ parameters: any StoredParameters, on transformer: Transformer) throws {
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
        .badData, "some activations of the model are not finite numbers, so int8 has no scale for them",
        remedy: "Use float32 (--precision float32, --rollout-precision float32), or another model.")
    }
  }

  func multiplies(_ linear: Linear, _ x: Matrix) {
    Self.add(x, to: &inputs[UnsafeRawPointer(linear.stored.base), default: Array(repeating: 0, count: linear.inputs)])
  }

  func attends(_ layer: Int, _ qkv: Matrix) {
    Self.add(qkv.columns(from: 0, count: architecture.queryWidth), to: &queries[layer])
    Self.add(qkv.columns(from: architecture.queryWidth, count: architecture.keyValueWidth), to: &keys[layer])
  }

  private static func add(_ x: Matrix, to sums: inout [Float]) {
    sums.withUnsafeMutableBufferPointer { sums in
      for t in 0..<x.rows {
        let row = x.row(t)
        for i in 0..<x.columns { sums[i] += row[i].magnitude }
      }
    }
  }

  /// The factors by which a projection's inputs are multiplied, [inputs].
  func factors(of weights: StoredFloats, outputs: Int, inputs: Int) -> [Float] {
    guard let met = self.inputs[weights.base] else { return Array(repeating: 1, count: inputs) }
    var sums = [Float](repeating: 0, count: inputs)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: inputs) { row in
      for n in 0..<outputs {
        weights.read(from: n * inputs, count: inputs, into: row.baseAddress!)
        Self.add(Matrix(row.baseAddress!, 1, inputs), to: &sums)
      }
    }
    return Self.factors(sums, over: met)
  }

  /// The factors by which a layer's keys are multiplied and its queries divided, [kvHeads, headDim].
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

  /// √(w/x) of each channel as a power of two, scaled so that the median channel has 1. A common factor of all w, or of
  /// all x, does not matter.
  static func factors(_ w: [Float], over x: [Float]) -> [Float] {
    func bounded(_ sum: Float) -> Float {
      sum.isFinite ? max(sum, .leastNormalMagnitude) : .greatestFiniteMagnitude
    }
    let (w, x) = (w.map(bounded), x.map(bounded))
    let octaves = zip(w, x).map { octave(of: $0) - octave(of: $1) }
    let middle = octaves.sorted()[octaves.count / 2]
    return octaves.map { difference in
      // Half of the difference, rounded to the nearest.
      let half = min(Self.highest, ((difference - middle + 1) >> 1))
      return Float(sign: .plus, exponent: max(-30, half), significand: 1)
    }
  }

  /// The binary logarithm, rounded to the nearest integer.
  private static func octave(of value: Float) -> Int {
    Int(value.exponent) + (value.significand > Float(2).squareRoot() ? 1 : 0)
  }
}
