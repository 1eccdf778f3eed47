import Models
import Support
import Tensors
import Testing

@testable import Training

/// A policy with a value head, episodes that it might have sampled, and the passes over both.
private struct SharedTrunk {
  let compute: Compute
  let pass: SequencePass
  let model: TrainableModel
  var episodes: Episodes
  let inverseTemperature: Float
  var clipRange = 0.2
  var clipRangeValue = 0.2
  var coefficient = 0.3

  private var tokenCount: Int { episodes.lengths.reduce(0, +) }

  /// The minibatch of all episodes; leaves the gradient in the model.
  func accumulate() -> (policy: PPOPolicyLoss, value: PPOValueLoss) {
    var objective = ClippedPolicyObjective(
      episodes, tokens: Array(0..<tokenCount),
      policy: PPOPolicyLoss(clipRange: clipRange, tokens: tokenCount),
      value: PPOValueLoss(clipRange: clipRangeValue, coefficient: coefficient, tokens: tokenCount))
    model.gradients.reset()
    pass.learn(
      &objective, model.view, into: model.gradients, units, inverseTemperature: inverseTemperature,
      as: "learning")
    model.gradients.finish(compute)
    return (objective.policy, objective.value!)
  }

  func read() -> SequencePass.Reading {
    pass.read(
      [.logprobs, .scalars], of: model.view, episodes.passSequences, inverseTemperature: inverseTemperature,
      as: "reading")
  }

  private var units: [Episodes.Unit] { (0..<episodes.count).map(episodes.unit) }

  var gradients: [(name: String, values: [Float])] {
    model.gradients.parameters.tensors.map {
      ($0.tensor.name, Array(UnsafeBufferPointer(start: $0.base, count: $0.tensor.count)))
    }
  }
}

extension SharedTrunk {
  /// A random model and random rollouts, nowhere near a clip, so that the losses are smooth.
  fileprivate init(_ lab: TinyLab) throws {
    let parameters = try lab.parameters(seed: 4, scale: 8)
      .addingScalarHead(name: "head", arena: lab.arena)
    parameters.initializeHead(seed: 4)
    parameters.headBias[0] = 0.25
    var episodes = Episodes()
    episodes.prompts = (0..<4).map { tokens(1 + $0, stream: UInt64($0)) }
    episodes.responses = (0..<4).map { tokens(5 - $0, stream: UInt64(10 + $0)) }
    compute = lab.compute
    pass = try SequencePass(lab.training, arena: lab.arena)
    model = try lab.model(parameters)
    self.episodes = episodes
    inverseTemperature = 1 / 0.8
    (clipRange, clipRangeValue) = (0.9, 100)
    let now = read()
    var random = RandomStream(seed: 4, purpose: "rollouts")
    func moved(_ values: [Float], _ scale: Float) -> [Float] {
      values.map { $0 + scale * random.normal() }
    }
    self.episodes.logprobs = moved(now.logprobs, 0.05)
    self.episodes.values = moved(now.scalars, 0.1)
    self.episodes.returns = moved(now.scalars, 1)
    self.episodes.advantages = moved(Array(repeating: 0, count: tokenCount), 1)
    self.episodes.weights = (0..<tokenCount).map { 0.5 + 0.1 * Float($0 % 7) }
  }

  fileprivate init(_ golden: Golden) throws {
    let arena = Arena()
    let architecture = try golden.llama
    compute = try Compute(threads: 1, arena: arena)
    let transformer = try Transformer(
      architecture, rows: 64, training: true, compute: compute, arena: arena)
    pass = try SequencePass(transformer, arena: arena)
    let parameters = try ParameterSet(
      ParameterLayout(architecture, scalarHead: false), name: "parameters", arena: arena
    ).addingScalarHead(name: "head", arena: arena)
    let values = try golden["parameters"].tensors
    for (tensor, base) in parameters.tensors {
      let given = try #require(values[tensor.name], "\(tensor.name)")
      try #require(given.count == tensor.count)
      base.update(from: given, count: tensor.count)
    }
    model = try TrainableModel(
      parameters, options: .init(), tokens: 64, name: "policy", arena: arena)
    func ids(_ key: String) throws -> [[Int32]] {
      try golden[key].list.map { try $0.ints.map(Int32.init) }
    }
    episodes = Episodes()
    episodes.prompts = try ids("prompts")
    episodes.responses = try ids("responses")
    episodes.logprobs = try golden["logprobs"].floats
    episodes.values = try golden["values"].floats
    episodes.advantages = try golden["advantages"].floats
    episodes.returns = try golden["returns"].floats
    episodes.weights = try golden["weights"].floats
    let options = try golden["options"]
    inverseTemperature = 1 / Float(try options["temperature"].number)
    clipRange = try options["cliprange"].number
    clipRangeValue = try options["cliprange_value"].number
    coefficient = try options["vf_coef"].number
  }
}

@Suite("A value head on the policy's own trunk")
struct SharedTrunkTests {
  @Test("policy and value loss of a shared trunk, and every gradient of their sum, agree with autograd")
  func golden() throws {
    let golden = try Golden.load("shared_trunk")
    let tolerance = try golden["tolerance"].number
    #expect(tolerance < 10 * (try golden["float32_deviation"].number))
    let ours = try SharedTrunk(golden)
    let reading = ours.read()
    expectClose(reading.logprobs, try golden["new_logprobs"].doubles, tolerance)
    expectClose(reading.scalars, try golden["new_values"].doubles, tolerance)
    let (policy, value) = ours.accumulate()
    expectClose(policy.loss, try golden["losses"]["policy"].number, tolerance)
    expectClose(value.sums.meanLoss, try golden["losses"]["value"].number, tolerance)
    for (share, key) in [(policy.sums.clipFraction, "policy"), (value.sums.clipFraction, "value")] {
      #expect(share > 0 && share < 1)
      expectClose(share, try golden["clipped"][key].number, tolerance)
    }
    let expected = try golden["gradients"].tensors
    #expect(expected.count == ours.gradients.count)
    for (name, gradient) in ours.gradients {
      let wanted = try #require(expected[name], "\(name)")
      let largest = wanted.reduce(1) { max($0, abs($1)) }
      let worst = zip(gradient, wanted).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
      #expect(gradient.count == wanted.count)
      #expect(Double(worst) <= tolerance * Double(largest), "\(name): off by \(worst) of \(largest)")
    }
  }

  /// Along g/|g| plus a random unit vector, by the fourth-order stencil, as in ModelsTests.
  @Test("the gradient of a shared trunk is the derivative of policy loss plus value loss")
  func derivatives() throws {
    let ours = try SharedTrunk(TinyLab())
    let (policy, value) = ours.accumulate()
    #expect(policy.sums.clipFraction == 0 && value.sums.clipFraction == 0)
    #expect(abs(policy.loss) > 1e-3 && value.loss > 1e-2)
    let gradients = ours.gradients
    for (number, (tensor, base)) in ours.model.parameters.tensors.enumerated() {
      let gradient = gradients[number].values
      let norm = length(gradient)
      #expect(norm > 1e-3, "\(tensor.name) has no gradient")
      var random = RandomStream(seed: 3, purpose: "direction", index: UInt64(number))
      let noise = (0..<tensor.count).map { _ in random.normal() }
      let noiseNorm = length(noise)
      let direction = zip(gradient, noise).map { $0 / norm + $1 / noiseNorm }
      let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      let saved = Array(UnsafeBufferPointer(start: base, count: tensor.count))
      func loss(_ step: Float) -> Double {
        for i in 0..<tensor.count { base[i] = saved[i] + step * direction[i] }
        let (policy, value) = ours.accumulate()
        return policy.loss + value.loss
      }
      var differences: [Double] = []
      let agrees = [Float(0.02), 0.005, 0.00125].contains { h in
        let numeric = (8 * (loss(h) - loss(-h)) - loss(2 * h) + loss(-2 * h)) / (12 * Double(h))
        differences.append(numeric - expected)
        return abs(numeric - expected) <= 1e-6 / Double(h) + 1e-3 * Double(norm)
      }
      #expect(agrees, "\(tensor.name): off by \(differences) of \(expected)")
      base.update(from: saved, count: tensor.count)
    }
  }

  private func length(_ x: [Float]) -> Float { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  @Test("values of the policy's pass are those of the same trunk and head as a model of its own")
  func values() throws {
    let lab = try TinyLab()
    let ours = try SharedTrunk(lab)
    let alone = try lab.parameters(scalarHead: true, seed: 5)
    alone.copy(from: ours.model.parameters)
    let pass = try SequencePass(lab.inference, arena: lab.arena)
    let expected = pass.read(
      .scalars, of: .init(weights: TransformerWeights(alone), head: alone.scalarHead),
      ours.episodes.passSequences, as: "reading"
    ).scalars
    #expect(bits(ours.read().scalars) == bits(expected))
    #expect(Set(expected).count > 4)
  }
}
