import Models
import Support
import Tensors

/// One model that learns: its weights, its parameters, gradients and optimizer.
///
/// Passes compute with the weights; the optimizer updates the parameters. In full training they are the same tensors.
/// With an adapter, only the adapter learns and the base is frozen. If lower layers are frozen, only the other tensors
/// learn.
public final class TrainableModel {
  /// The parameters that learn; if only some of them learn, the frozen ones too.
  public let parameters: ParameterSet
  /// The weights that passes compute with.
  public let weights: TransformerWeights
  public let gradients: Gradients
  public let optimizer: AdamW
  /// Moving average of the language model after each step (`MovingAverage`); nil if none is kept.
  public private(set) var average: ParameterSet?
  private var averageDecay = 0.0

  /// - Parameters:
  ///   - parameters: used and updated in place.
  ///   - weights: the weights that passes compute with; nil for the parameters themselves. Required for an adapter.
  ///   - learning: the tensors that learn; nil for all parameters.
  ///   - tokens: the most tokens in one optimizer step.
  public convenience init(
    _ parameters: ParameterSet, weights: TransformerWeights? = nil, learning: ParameterLayout? = nil,
    options: AdamW.Options, tokens: Int, name: String, arena: Arena
  ) throws {
    let gradients = try Gradients(
      learning ?? parameters.layout, tokens: tokens, name: "\(name), gradients", arena: arena)
    try self.init(parameters, weights: weights, gradients: gradients, options: options, name: name, arena: arena)
  }

  /// - Parameters:
  ///   - parameters: used and updated in place.
  ///   - other: the model whose gradient memory is shared; the two models take their steps in turns.
  public convenience init(
    _ parameters: ParameterSet, options: AdamW.Options, sharingGradientsOf other: TrainableModel,
    name: String, arena: Arena
  ) throws {
    let gradients = try Gradients(
      parameters.layout, sharing: other.gradients, name: "\(name), gradients", arena: arena)
    try self.init(parameters, weights: nil, gradients: gradients, options: options, name: name, arena: arena)
  }

  private init(
    _ parameters: ParameterSet, weights: TransformerWeights?, gradients: Gradients,
    options: AdamW.Options, name: String, arena: Arena
  ) throws {
    precondition(weights != nil || parameters.layout.adapter == nil, "an adapter needs the weights of its base model")
    self.parameters = parameters
    self.weights = weights ?? TransformerWeights(parameters)
    self.gradients = gradients
    optimizer = try AdamW(gradients.parameters.layout, options, name: name, arena: arena)
  }

  /// Starts a moving average; its first value is the current parameters.
  func keepAverage(decay: Double, name: String, arena: Arena) throws {
    let average = try ParameterSet(parameters.languageModel.layout, name: name, arena: arena)
    if !arena.isPlan { average.copy(from: parameters) }
    self.average = average
    averageDecay = decay
  }

  /// The error that stops the next step because `what` of this model is not finite.
  func refusal(_ what: String) -> Failure {
    optimizer.refusal(what, of: parameters)
  }

  /// Norms of a step's gradients, before clipping.
  public struct GradientNorms {
    /// ‖g‖₂ of the model's own gradients.
    public let norm: Double
    /// ‖g‖₂ of the gradients that are mixed in; 0 if none are.
    public let mixed: Double
  }

  /// Ends a step: finishes the gradient sums, adds other gradients, clips, updates, and updates the average.
  ///
  /// This is the only place where gradients become a step. Work that belongs between the two (for example, several
  /// machines that add their sums) belongs here.
  /// - Parameters:
  ///   - other: gradients of the same language model, which are added to the model's own.
  ///   - isAccepted: called when the sums are known; if false, parameters, moments and average do not change.
  /// - Returns: the gradient norms before clipping.
  /// - Throws: `Failure(.failed)` if a gradient is not finite; no parameter has changed then.
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

  /// The weights and head for a pass.
  public var view: SequencePass.Model {
    SequencePass.Model(weights: weights, head: parameters.scalarHead)
  }
}
