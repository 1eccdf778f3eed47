import Models
import Support
import Tensors
import TestSupport
import Testing

@testable import Training

/// One iteration of TRL's PPOTrainer on fixed rollouts; Tools/goldens/make_trl.py says what each field is.
private struct TRLRun {
  let golden: Golden
  let tolerance: Double
  let lengths: [Int]
  let valueLengths: [Int]
  var episodes: Episodes

  init() throws {
    golden = try Golden.load("trl")
    tolerance = try golden["tolerance"].number
    valueLengths = try golden["value_lengths"].ints
    episodes = Episodes()
    episodes.prompts = try golden["prompts"].list.map { try $0.ints.map(Int32.init) }
    episodes.responses = try golden["responses"].list.map { try $0.ints.map(Int32.init) }
    let end = Int32(try golden["end_token"].int)
    episodes.ended = episodes.responses.map { $0.last == end }
    lengths = episodes.lengths
    episodes.weights = Array(repeating: 1, count: lengths.reduce(0, +))
  }

  func option(_ name: String) throws -> Double { try golden["options"][name].number }

  /// |ours − golden| ≤ tolerance · max(1, max|golden|).
  func expectClose(
    _ ours: [Float], _ golden: [Float], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(ours.count == golden.count && !ours.isEmpty, "\(what)", sourceLocation: sourceLocation)
    let largest = golden.reduce(1) { max($0, abs($1)) }
    let worst = zip(ours, golden).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
    #expect(
      Double(worst) <= tolerance * Double(largest), "\(what): off by \(worst) of \(largest)",
      sourceLocation: sourceLocation)
  }

  func expectClose(_ ours: Double, _ golden: Double, _ what: String) {
    expectClose([Float(ours)], [Float(golden)], what)
  }
}

/// Models of the golden, and passes over them.
private final class TRLLab {
  let run: TRLRun
  let arena = Arena()
  let compute: Compute
  let transformer: Transformer
  let pass: SequencePass

  init(_ run: TRLRun) throws {
    self.run = run
    compute = try Compute(threads: 1, arena: arena)
    transformer = try Transformer(
      try run.golden.llama, rows: 256, training: true, compute: compute, arena: arena)
    pass = try SequencePass(transformer, arena: arena)
  }

  func parameters(_ tensors: Golden, scalarHead: Bool) throws -> ParameterSet {
    let layout = ParameterLayout(try run.golden.llama, scalarHead: scalarHead)
    let parameters = try ParameterSet(layout, name: "parameters", arena: arena)
    let values = try tensors.tensors
    for (tensor, base) in parameters.tensors where tensor.name != "head.bias" {  // Llama's has none
      let golden = try #require(values[tensor.name], "\(tensor.name)")
      try #require(golden.count == tensor.count)
      base.update(from: golden, count: tensor.count)
    }
    return parameters
  }

  func model(_ parameters: ParameterSet) throws -> TrainableModel {
    try TrainableModel(parameters, options: .init(), tokens: 256, name: "model", arena: arena)
  }

  /// Answers with the rows where their tokens are predicted, and one past the end where TRL has a value there.
  var valueUnits: [ValueUnit] {
    let episodes = run.episodes
    return (0..<episodes.count).map { index in
      let first = episodes.prompts[index].count - 1
      return ValueUnit(
        tokens: episodes.sequence(index), rows: first..<first + run.valueLengths[index])
    }
  }

  struct ValueUnit: PassUnit {
    let tokens: [Int32]
    let rows: Range<Int>
    var tokenCount: Int { tokens.count }
    func append(to pass: SequencePass) { pass.read(rows, at: pass.append(tokens)) }
  }

  func values(_ parameters: ParameterSet) -> [Float] {
    pass.read(
      .scalars, of: .init(weights: TransformerWeights(parameters), head: parameters.scalarHead),
      valueUnits.map { PassSequence(tokens: $0.tokens, rows: [$0.rows]) }, as: "reading"
    ).scalars
  }

  var units: [Episodes.Unit] { (0..<run.episodes.count).map(run.episodes.unit) }

  func expectGradients(_ model: TrainableModel, _ golden: Golden) throws {
    model.gradients.finish(compute)
    let expected = try golden.tensors
    for (tensor, base) in model.gradients.parameters.tensors where tensor.name != "head.bias" {
      let ours = Array(UnsafeBufferPointer(start: base, count: tensor.count))
      run.expectClose(ours, try #require(expected[tensor.name]), "the gradient of \(tensor.name)")
    }
  }
}

@Suite("One iteration of PPO is TRL's, its score's place included")
struct TRLTests {
  @Test("log-probabilities, values and scores of the rollouts")
  func assessment() throws {
    let run = try TRLRun()
    let lab = try TRLLab(run)
    let models = try run.golden["models"]
    let inverse = 1 / Float(try run.option("temperature"))
    for (name, key) in [("policy", "logprobs"), ("reference", "reference")] {
      let weights = TransformerWeights(try lab.parameters(try models[name], scalarHead: false))
      let ours = lab.pass.read(
        .logprobs, of: .init(weights: weights), run.episodes.passSequences, inverseTemperature: inverse, as: "reading"
      ).logprobs
      run.expectClose(ours, try run.golden[key].floats, key)
    }
    let value = try lab.parameters(try models["value"], scalarHead: true)
    run.expectClose(lab.values(value), try run.golden["values"].floats, "values")
    let reward = try lab.parameters(try models["reward"], scalarHead: true)
    let raw = lab.pass.scores(
      .init(weights: TransformerWeights(reward), head: reward.scalarHead), (0..<run.episodes.count).map(run.episodes.sequence))
    let penalty = Float(try run.option("missing_eos_penalty"))
    let scores = Rewards.score(raw, ended: run.episodes.ended, missingEnd: .subtract(penalty))
    run.expectClose(scores, try run.golden["scores"].floats, "scores")
    #expect(run.episodes.ended.contains(false) && run.episodes.ended.contains(true))
  }

  @Test("rewards, advantages, returns, and what is logged of them")
  func estimates() throws {
    let run = try TRLRun()
    let (logprobs, reference) = (
      try run.golden["logprobs"].floats, try run.golden["reference"].floats
    )
    let scores = try run.golden["scores"].floats
    let beta = try run.option("kl_coef")
    let rewards = Rewards.perTokenPastEnd(
      logprobs: logprobs, reference: reference, lengths: run.lengths, scores: scores,
      klCoefficient: beta, longest: Int(try run.option("response_length")))
    let lengths = run.valueLengths
    #expect(rewards.count == lengths.reduce(0, +))
    let whitened = Rewards.whitened(rewards)
    run.expectClose(whitened, try run.golden["rewards"].floats, "whitened rewards")
    let (advantages, returns) = Advantages.generalized(
      rewards: whitened, values: try run.golden["values"].floats, lengths: lengths,
      gamma: try run.option("gamma"), lambda: try run.option("lam"))
    run.expectClose(advantages, try run.golden["advantages_raw"].floats, "advantages")
    run.expectClose(returns, try run.golden["returns"].floats, "returns")
    run.expectClose(
      Advantages.whitened(run.ofTokens(advantages)), try run.golden["advantages"].floats,
      "whitened advantages")

    let metrics = try run.golden["metrics"]
    let n = Double(run.episodes.count)
    var kl = KLEstimates()
    kl.add(logprobs: logprobs, reference: reference)
    let score = scores.reduce(0) { $0 + Double($1) } / n
    run.expectClose(kl.k1 / n, try metrics["objective/kl"].number, "KL")
    run.expectClose(
      -beta * kl.k1 / n, try metrics["objective/non_score_reward"].number, "non-score reward")
    run.expectClose(score, try metrics["objective/scores"].number, "scores")
    run.expectClose(
      score - beta * kl.k1 / n, try metrics["objective/rlhf_reward"].number, "RLHF reward")
    #expect(
      Double(run.episodes.ended.filter { $0 }.count) == (try metrics["val/num_eos_tokens"].number))
  }

  @Test("the update's losses, what is logged of it, and every gradient of the policy")
  func policyUpdate() throws {
    var run = try TRLRun()
    run.episodes.logprobs = try run.golden["logprobs"].floats
    run.episodes.advantages = try run.golden["advantages"].floats
    let lab = try TRLLab(run)
    let model = try lab.model(
      try lab.parameters(try run.golden["moved"]["policy"], scalarHead: false))
    let tokens = run.lengths.reduce(0, +)
    var objective = ClippedPolicyObjective(
      run.episodes, tokens: Array(0..<tokens),
      policy: PPOPolicyLoss(clipRange: try run.option("cliprange"), tokens: tokens), value: nil)
    model.gradients.reset()
    lab.pass.learn(
      &objective, model.view, into: model.gradients, lab.units,
      inverseTemperature: 1 / Float(try run.option("temperature")), as: "learning")
    let loss = objective.policy
    let (metrics, masked) = (try run.golden["metrics"], try run.golden["masked"])
    run.expectClose(loss.loss, try run.golden["losses"]["policy"].number, "policy loss")
    run.expectClose(loss.loss, try metrics["loss/policy_avg"].number, "policy loss")
    run.expectClose(
      loss.sums.clipFraction, try metrics["policy/clipfrac_avg"].number, "clip fraction")
    #expect(loss.sums.clipFraction > 0 && loss.sums.clipFraction < 1)
    run.expectClose(loss.sums.ratioMean, try masked["val/ratio"].number, "ratio")
    run.expectClose(loss.sums.meanEntropy, try masked["policy/entropy_avg"].number, "entropy")
    run.expectClose(
      loss.sums.approximateKL, try masked["policy/approxkl_avg"].number, "approximate KL")
    // TRL's own means run over padding, too, where the ratio is 1 and the difference 0.
    let all = Double(run.episodes.count) * (try run.option("response_length"))
    let share = Double(tokens) / all
    run.expectClose(
      share * loss.sums.ratioMean + 1 - share, try metrics["val/ratio"].number, "ratio of TRL")
    run.expectClose(
      share * loss.sums.approximateKL, try metrics["policy/approxkl_avg"].number,
      "approximate KL of TRL")
    try lab.expectGradients(model, try run.golden["gradients"]["policy"])
  }

  @Test("the update's value loss and every gradient of the value model")
  func valueUpdate() throws {
    let run = try TRLRun()
    let lab = try TRLLab(run)
    let model = try lab.model(
      try lab.parameters(try run.golden["moved"]["value"], scalarHead: true))
    var episodes = Episodes()
    episodes.values = try run.golden["values"].floats
    episodes.returns = try run.golden["returns"].floats
    let predicted = lab.values(model.parameters)
    run.expectClose(predicted, try run.golden["new_values"].floats, "values of the update")
    var objective = ClippedValueObjective(
      episodes, tokens: Array(predicted.indices),
      loss: PPOValueLoss(
        clipRange: try run.option("cliprange_value"), coefficient: try run.option("vf_coef"),
        tokens: episodes.values.count))
    model.gradients.reset()
    lab.pass.learn(&objective, model.view, into: model.gradients, lab.valueUnits, as: "learning")
    let loss = objective.loss
    let metrics = try run.golden["metrics"]
    run.expectClose(loss.sums.meanLoss, try run.golden["losses"]["value"].number, "value loss")
    run.expectClose(loss.sums.meanLoss, try metrics["loss/value_avg"].number, "value loss")
    run.expectClose(
      loss.sums.clipFraction, try metrics["val/clipfrac_avg"].number, "clip fraction")
    #expect(loss.sums.clipFraction > 0 && loss.sums.clipFraction < 1)
    try lab.expectGradients(model, try run.golden["gradients"]["value"])
  }
}

extension TRLRun {
  /// Of values that have one more past the end of an answer, those of its tokens.
  fileprivate func ofTokens(_ values: [Float]) -> [Float] {
    var (result, start): ([Float], Int) = ([], 0)
    for (length, valueLength) in zip(lengths, valueLengths) {
      result += values[start..<start + length]
      start += valueLength
    }
    return result
  }
}
