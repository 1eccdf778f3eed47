import Models
import Support
import Tensors

/// One model that learns: parameters, gradients and optimizer.
public final class TrainableModel: @unchecked Sendable {
  public let parameters: ParameterSet
  public let weights: TransformerWeights
  public let gradients: Gradients
  public let optimizer: AdamW

  /// - Parameters:
  ///   - parameters: used and updated where they lie.
  ///   - tokens: the most tokens that one optimizer step sees.
  public convenience init(
    _ parameters: ParameterSet, options: AdamW.Options, tokens: Int, name: String, arena: Arena
  ) throws {
    let gradients = try Gradients(
      parameters.layout, tokens: tokens, name: "\(name), gradients", arena: arena)
    try self.init(parameters, gradients, options, name: name, arena: arena)
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
    try self.init(parameters, gradients, options, name: name, arena: arena)
  }

  private init(
    _ parameters: ParameterSet, _ gradients: Gradients, _ options: AdamW.Options, name: String,
    arena: Arena
  ) throws {
    self.parameters = parameters
    weights = TransformerWeights(parameters)
    self.gradients = gradients
    optimizer = try AdamW(parameters.layout, options, name: name, arena: arena)
  }

  /// Why the next step is not taken: `what` of this model is not finite.
  func refusal(_ what: String) -> Failure {
    optimizer.refusal(what, of: parameters)
  }

  /// Closes the gradient sums and takes one optimizer step; returns the gradient's norm.
  public func step(learningRate: Double, compute: Compute) throws -> Double {
    gradients.finish(compute)
    return try optimizer.update(
      parameters, gradients: gradients.parameters, learningRate: learningRate, compute: compute)
  }
}
