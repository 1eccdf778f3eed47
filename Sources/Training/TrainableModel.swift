import Models
import Support
import Tensors

/// One model that learns: what it computes with, what of it learns, and how.
///
/// The weights compute, the parameters learn. They are the same tensors in full training; an adapter learns beside a
/// base that is frozen, and of a model whose lower layers are frozen a part learns.
public final class TrainableModel {
  /// Those that learn, with others where only some of them do.
  public let parameters: ParameterSet
  /// What passes compute with.
  public let weights: TransformerWeights
  public let gradients: Gradients
  public let optimizer: AdamW
  /// Moving average of the language model after each step (`MovingAverage`); nil unless it is kept.
  public private(set) var average: ParameterSet?
  private var averageDecay = 0.0

  /// - Parameters:
  ///   - parameters: used and updated where they lie.
  ///   - weights: what computes with them; nil for the parameters as they are. An adapter has none of its own.
  ///   - learning: the tensors that learn; nil for all parameters.
  ///   - tokens: the most tokens that one optimizer step sees.
  public convenience init(
    _ parameters: ParameterSet, weights: TransformerWeights? = nil, learning: ParameterLayout? = nil,
    options: AdamW.Options, tokens: Int, name: String, arena: Arena
  ) throws {
    let gradients = try Gradients(
      learning ?? parameters.layout, tokens: tokens, name: "\(name), gradients", arena: arena)
    try self.init(parameters, weights, gradients, options, name: name, arena: arena)
  }

  /// - Parameters:
  ///   - parameters: used and updated where they lie.
  ///   - other: whose memory the gradients share; the two take their steps in turns.
  public convenience init(
    _ parameters: ParameterSet, options: AdamW.Options, sharingGradientsOf other: TrainableModel,
    name: String, arena: Arena
  ) throws {
    let gradients = try Gradients(
      parameters.layout, sharing: other.gradients, name: "\(name), gradients", arena: arena)
    try self.init(parameters, nil, gradients, options, name: name, arena: arena)
  }

  private init(
    _ parameters: ParameterSet, _ weights: TransformerWeights?, _ gradients: Gradients,
    _ options: AdamW.Options, name: String, arena: Arena
  ) throws {
    precondition(weights != nil || parameters.layout.adapter == nil, "an adapter without the model it adapts")
    self.parameters = parameters
    self.weights = weights ?? TransformerWeights(parameters)
    self.gradients = gradients
    optimizer = try AdamW(gradients.parameters.layout, options, name: name, arena: arena)
  }

  /// Keeps a moving average from here on; it begins with the parameters as they are.
  func keepAverage(decay: Double, name: String, arena: Arena) throws {
    let average = try ParameterSet(parameters.languageModel.layout, name: name, arena: arena)
    if !arena.isPlan { average.copy(from: parameters) }
    self.average = average
    averageDecay = decay
  }

  /// Why the next step is not taken: `what` of this model is not finite.
  func refusal(_ what: String) -> Failure {
    optimizer.refusal(what, of: parameters)
  }

  /// Norms of a step's gradients, before clipping.
  public struct GradientNorms {
    /// ‖g‖₂ of the model's own.
    public let norm: Double
    /// ‖g‖₂ of those that were mixed in; 0 without.
    public let mixed: Double
  }

  /// Ends a step: finishes the gradient sums, mixes others in, clips, updates, and moves the average.
  ///
  /// No other place turns gradients into a step, so that whatever has to happen between the two (several machines
  /// that add their sums) happens here.
  /// - Parameters:
  ///   - other: gradients of the same language model, added to its own.
  ///   - isAccepted: asked when the sums are known; false leaves parameters, moments and average alone.
  /// - Throws: `Failure(.failed)` for a gradient that is not finite, before anything is touched.
  public func step(
    learningRate: Double, mixing other: Gradients? = nil, compute: Compute,
    isAccepted: (GradientNorms) throws -> Bool = { _ in true }
  ) throws -> GradientNorms {
    gradients.finish(compute)
    let norm = optimizer.norm(of: gradients.parameters, compute: compute)
    var (total, mixed) = (norm, 0.0)
    if let other {
      other.finish(compute)
      mixed = optimizer.norm(of: other.parameters, compute: compute)
      compute.add(
        other.parameters.trunk, to: gradients.parameters.trunk, count: other.parameters.layout.trunkCount)
      total = optimizer.norm(of: gradients.parameters, compute: compute)
    }
    let norms = GradientNorms(norm: norm, mixed: mixed)
    guard try isAccepted(norms) else { return norms }
    try optimizer.update(
      parameters, gradients: gradients.parameters, norm: total, learningRate: learningRate, compute: compute)
    updateAverage(compute)
    return norms
  }

  private func updateAverage(_ compute: Compute) {
    guard let average else { return }
    compute.average(
      parameters.trunk, into: average.trunk, count: average.layout.trunkCount,
      decay: Float(MovingAverage.kept(averageDecay, at: optimizer.step)))
  }

  /// As a pass sees it.
  public var view: SequencePass.Model {
    SequencePass.Model(weights: weights, head: parameters.layout.hasScalarHead ? parameters : nil)
  }
}
