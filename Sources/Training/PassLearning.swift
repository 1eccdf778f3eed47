import Models

/// Learning from units of any kind. It is here and not beside `SequencePass`, so that the compiler makes a version for each
/// kind of unit and objective: a step then allocates nothing.
extension SequencePass {
  /// Like `read`, for units that fit one pass. The activations are kept: if the transformer's next pass learns from the
  /// same units, it does not compute them again.
  func hold(
    _ outputs: HeadOutputs, of model: Model, _ units: some RandomAccessCollection<some PassUnit>,
    inverseTemperature: Float
  ) -> (Reading, Held) {
    var reading = Reading()
    compute(units, model.weights)
    readHeads(outputs, of: model, inverseTemperature, into: &reading)
    return (reading, held)
  }

  /// Whether these units fit one pass.
  func fits(_ units: some Collection<some PassUnit>) -> Bool {
    units.reduce(0) { $0 + $1.tokenCount } <= transformer.rows
  }

  /// Adds the objective's gradient to `gradients`. Each unit's logits are computed once.
  /// - Parameter held: an earlier pass over exactly these units with the same weights.
  func learn<Goal: Objective>(
    _ objective: inout Goal, _ model: Model, into gradients: Gradients,
    _ units: some RandomAccessCollection<some PassUnit>, inverseTemperature: Float = 1,
    held: Held? = nil, as name: String
  ) {
    let isHeld = isHeld(held)
    var first = 0
    forEachMicroBatch(of: units, as: name) { units in
      if !isHeld { compute(units, model.weights) }
      first += withUnsafeMutablePointer(to: &objective) { objective in
        backward(
          objective.pointee.outputs, of: model, into: gradients, inverseTemperature: inverseTemperature, first: first,
          logprobs: { objective.pointee.add(logprobs: $0) }, scalars: { objective.pointee.add(scalars: $0) })
      }
    }
  }
}
