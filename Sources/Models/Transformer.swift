import Support
import Tensors

/// The computation of one architecture: activations and scratch memory, but no parameters. Policy, reference, value
/// and reward model therefore use the same memory, one after the other.
///
/// Order of calls: `forward`, then a head (`logprobs`, `scores`, …). For training: `beginBackward`, a head's backward
/// pass, `backward`.
public final class Transformer {
  public let architecture: Architecture
  public let compute: Compute
  /// The most tokens in one pass.
  public let rows: Int
  public let isTraining: Bool

  /// Dropout of the sub-layers' outputs in the next passes; nil for none.
  public var dropout: Dropout?

  /// Number of passes so far. While it does not change, the activations do not change.
  public internal(set) var passes = 0

  /// Observes float32 passes; nil for none.
  weak var observer: (any PassObserver)?

  let activations: Activations
  /// The rotary table of most layers, and that of `otherLayers`.
  private let rotary: RotaryTable?
  private let otherRotary: RotaryTable?
  let gradientScratch: GradientScratch?
  let headScratch: HeadScratch
  var sequences: [AttentionSequence] = []
  var backwardSequences: [AttentionBackwardSequence] = []
  private let arena: Arena

  /// - Parameters:
  ///   - rows: the most tokens in one pass; at least the longest sequence.
  ///   - training: whether to keep the activations of every layer, for `backward`.
  ///   - other: a transformer of the same architecture whose head scratch memory both use. This is safe because each
  ///     head's pass begins and ends within one call.
  public init(
    _ architecture: Architecture, rows: Int, training: Bool, sharingHeadsOf other: Transformer? = nil,
    compute: Compute, arena: Arena
  ) throws {
    precondition(other == nil || other!.architecture == architecture, "the other transformer's architecture differs")
    self.architecture = architecture
    self.compute = compute
    self.rows = rows
    self.arena = arena
    isTraining = training
    activations = try Activations(architecture, rows: rows, keepsLayers: training, arena: arena)
    func rotary(_ theta: Float, _ scaling: RotaryScaling?) throws -> RotaryTable? {
      guard architecture.position == .rotary, theta > 0 else { return nil }
      return try RotaryTable(
        positions: min(architecture.context, rows), rotary: architecture.rotaryDim, theta: Double(theta),
        scaling: scaling, arena: arena)
    }
    self.rotary = try rotary(architecture.rotaryTheta, architecture.ropeScaling)
    otherRotary = try rotary(architecture.otherLayers?.rotaryTheta ?? 0, nil)
    gradientScratch =
      training
      ? try GradientScratch(architecture, rows: rows, compute: compute, arena: arena) : nil
    headScratch = try other?.headScratch ?? HeadScratch(architecture, arena: arena)
    sequences.reserveCapacity(rows)
    backwardSequences.reserveCapacity(training ? rows : 0)
  }

  /// Output of the final norm in the latest pass, [rows, d].
  public var hidden: Matrix { activations.hidden }

  /// The rotary table of a layer; nil for a layer that does not rotate queries and keys.
  func rotary(of layer: Int) -> RotaryTable? {
    architecture.otherLayers?.contains(layer) == true ? otherRotary : rotary
  }

  func shape(
    of layer: Int, _ keyValues: KeyValueStorage, keyFactors: UnsafePointer<Float>? = nil
  ) -> AttentionShape {
    AttentionShape(
      heads: architecture.heads, kvHeads: architecture.kvHeads, headDim: architecture.headDim,
      queryStride: architecture.qkvWidth, keyValues: keyValues,
      outputStride: architecture.queryWidth, keyFactors: keyFactors, window: architecture.window(of: layer),
      cap: architecture.attentionCap, scale: architecture.attentionScale)
  }
}
