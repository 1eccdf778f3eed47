import Models
import Support
import Tensors

/// AdamW for one model, with clipping by the global gradient norm.
///
/// Loshchilov & Hutter 2019; the TensorFlow form as in openai/lm-human-preferences.
public final class AdamW {
  public struct Options: Equatable, Sendable {
    public var beta1: Float = 0.9
    public var beta2: Float = 0.95
    public var epsilon: Float = 1e-5
    public var weightDecay: Float = 0
    /// Whether ε is added to √v before the bias correction. RECIPE: the PyTorch form drifts faster early on.
    public var tensorFlowForm = true
    /// Gradients are scaled down to this norm; 0 for no clipping.
    public var maxGradientNorm: Double = 1

    public init() {}
  }

  public let options: Options
  /// The model's name in messages.
  public let name: String
  /// First and second moments.
  public let m: ParameterSet
  public let v: ParameterSet
  /// Number of steps taken.
  public var step = 0
  /// The tensors of the trunk, then those of the head, in order.
  private let tensors: [(tensor: ParameterLayout.Tensor, isHead: Bool)]
  private let scratch: UnsafeMutablePointer<Double>
  private let arena: Arena

  public init(_ layout: ParameterLayout, _ options: Options, name: String, arena: Arena) throws {
    self.options = options
    self.name = name
    self.arena = arena
    tensors = layout.trunk.map { ($0, false) } + layout.head.map { ($0, true) }
    m = try ParameterSet(layout, name: "\(name), first moments", arena: arena)
    v = try ParameterSet(layout, name: "\(name), second moments", arena: arena)
    scratch = try arena.allocate(
      "\(name), norm blocks", (layout.trunkCount + 4095) / 4096, of: Double.self)
  }

  /// ‖g‖₂ over all buffers, in float64.
  public func norm(of gradients: ParameterSet, compute: Compute) -> Double {
    let layout = gradients.layout
    var sum = compute.sumOfSquares(gradients.trunk, count: layout.trunkCount, scratch: scratch)
    if let head = gradients.head {
      sum += compute.sumOfSquares(head, count: layout.headCount, scratch: scratch)
    }
    return sum.squareRoot()
  }

  /// Updates `parameters` once.
  ///
  /// - Parameter norm: ‖g‖₂ of the gradients before clipping.
  /// - Throws: `Failure(.failed)` if a gradient is not finite; nothing has changed then.
  public func update(
    _ parameters: ParameterSet, gradients: ParameterSet, norm: Double, learningRate: Double, compute: Compute
  ) throws {
    guard norm.isFinite else {
      let place = gradients.firstNonFinite ?? "the whole model"
      throw refusal("the gradient of \(place) is", of: parameters)
    }
    step += 1
    let clips = options.maxGradientNorm > 0 && norm > options.maxGradientNorm
    var scalars = AdamWStep(
      learningRate: Float(learningRate), beta1: options.beta1, beta2: options.beta2,
      epsilon: options.epsilon, weightDecay: 0,
      correction1: Float(1 - DeterministicMath.power(Double(options.beta1), step)),
      correction2: Float(1 - DeterministicMath.power(Double(options.beta2), step)),
      gradientScale: clips ? Float(options.maxGradientNorm / norm) : 1,
      isTensorFlowForm: options.tensorFlowForm)
    for (tensor, isHead) in tensors {
      scalars.weightDecay = tensor.decays ? options.weightDecay : 0
      func base(_ set: ParameterSet) -> UnsafeMutablePointer<Float> {
        (isHead ? set.head! : set.trunk) + tensor.offset
      }
      // Looked up by name: if other tensors are frozen, the optimizer's layout is not the model's.
      guard let parameter = parameters.values(tensor.name) else {
        preconditionFailure("\(tensor.name) has moments but is not a parameter of the model")
      }
      compute.adamW(
        scalars, count: tensor.count, p: parameter, g: base(gradients), m: base(m), v: base(v))
    }
  }

  /// The error that stops the next step because `what` of the model with these parameters is not finite.
  func refusal(_ what: String, of parameters: any StoredParameters) -> Failure {
    Failure(
      .failed, "\(what) not finite; the largest weight is \(parameters.largest)",
      at: "\(name), optimizer step \(step + 1)",
      remedy: "This step did not change the weights. Lower the learning rate, or check the data.")
  }
}
