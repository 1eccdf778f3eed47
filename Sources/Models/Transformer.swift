import Tensors

/// The computation of one architecture: activations and scratch, but no parameters, so that policy,
/// reference, value and reward model take turns in the same memory.
///
/// Order of use: `forward`, then a head (`logprobs`, `scores`, …), and for training
/// `beginBackward`, a head's backward, `backward`.
public final class Transformer {
  public let architecture: Architecture
  public let compute: Compute
  /// Tokens that one pass can hold.
  public let rows: Int
  public let isTraining: Bool

  /// What the next passes leave out of the sub-layers' outputs; nil for nothing.
  public var dropout: Dropout?

  /// Passes so far: while it stays the same, so do the activations.
  public internal(set) var passes = 0

  /// Who looks at float32 passes; nil for nobody.
  weak var observer: (any PassObserver)?

  let activations: Activations
  let rotary: RotaryTable?
  let gradientScratch: GradientScratch?
  let headScratch: HeadScratch
  var sequences: [AttentionSequence] = []
  var backwardSequences: [AttentionBackwardSequence] = []
  private let arena: Arena

  /// - Parameters:
  ///   - rows: tokens that one pass can hold; at least the longest sequence.
  ///   - training: keeps activations per layer, for `backward`.
  ///   - other: of the same architecture, whose scratch of the heads serves both: each head's pass
  ///     begins and ends within one call.
  public init(
    _ architecture: Architecture, rows: Int, training: Bool, sharingHeadsOf other: Transformer? = nil,
    compute: Compute, arena: Arena
  ) throws {
    precondition(other == nil || other!.architecture == architecture, "heads of another model")
    self.architecture = architecture
    self.compute = compute
    self.rows = rows
    self.arena = arena
    isTraining = training
    activations = try Activations(architecture, rows: rows, keepsLayers: training, arena: arena)
    rotary =
      architecture.position == .rotary
      ? try RotaryTable(
        positions: min(architecture.context, rows), rotary: architecture.rotaryDim,
        theta: Double(architecture.rotaryTheta), scaling: architecture.ropeScaling, arena: arena)
      : nil
    gradientScratch =
      training
      ? try GradientScratch(architecture, rows: rows, compute: compute, arena: arena) : nil
    headScratch = try other?.headScratch ?? HeadScratch(architecture, arena: arena)
    sequences.reserveCapacity(rows)
    backwardSequences.reserveCapacity(training ? rows : 0)
  }

  /// The final norm's output of the latest pass, [rows, d].
  public var hidden: Matrix { activations.hidden }

  func shape(_ keyValues: KeyValueStorage, keyFactors: UnsafePointer<Float>? = nil) -> AttentionShape {
    AttentionShape(
      heads: architecture.heads, kvHeads: architecture.kvHeads, headDim: architecture.headDim,
      queryStride: architecture.qkvWidth, keyValues: keyValues,
      outputStride: architecture.queryWidth, keyFactors: keyFactors)
  }
}
