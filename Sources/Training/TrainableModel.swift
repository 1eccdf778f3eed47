import Models
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
  public init(
    _ parameters: ParameterSet, options: AdamW.Options, tokens: Int, name: String, arena: Arena
  ) throws {
    self.parameters = parameters
    weights = TransformerWeights(parameters)
    gradients = try Gradients(
      parameters.layout, tokens: tokens, name: "\(name), gradients", arena: arena)
    optimizer = try AdamW(parameters.layout, options, name: name, arena: arena)
  }

  /// Closes the gradient sums and takes one optimizer step; returns the gradient's norm.
  public func step(learningRate: Double, compute: Compute) throws -> Double {
    gradients.finish(compute)
    return try optimizer.update(
      parameters, gradients: gradients.parameters, learningRate: learningRate, compute: compute)
  }
}
