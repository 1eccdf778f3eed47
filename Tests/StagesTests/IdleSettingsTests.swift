import Support
import Testing

@testable import Inference
@testable import Stages

/// What was given and would do nothing is refused by the name it was given by.
@Suite struct IdleSettingsTests {
  private func refusal(
    _ values: [(Parameter, Double)], choices: [(Parameter, String)] = [], in stages: [Stage] = [.ppo],
    further: [Parameter] = [], precision: RolloutPrecision = .int8
  ) throws -> Failure? {
    var settings = Settings()
    try settings.set(values.map { ($0, $1) })
    for (parameter, choice) in choices { try settings.set(parameter, choice: choice) }
    do {
      try settings.idle(in: stages, further: further, precision: precision).refuse()
    } catch { return error as? Failure }
    return nil
  }

  @Test("what is given with another value that takes its effect is named with that value")
  func pairs() throws {
    let pairs: [([(Parameter, Double)], String, String)] = [
      ([(.klHorizon, 5000)], "--kl-horizon", "--kl-target is 0"),
      ([(.klCoefficient, 0), (.klTarget, 6)], "--kl-target", "--kl-coef is 0"),
      ([(.ptxCoefficient, 0), (.ptxRatio, 1)], "--ptx-ratio", "--ptx-coef is 0"),
      ([(.valueCoefficient, 0), (.clipRangeValue, 1)], "--cliprange-value", "--vf-coef is 0"),
    ]
    for (values, option, reason) in pairs {
      let failure = try refusal(values)
      #expect(failure?.kind == .usage)
      #expect(failure?.what.hasPrefix("\(option) has no effect: \(reason)") == true, "\(String(describing: failure))")
    }
    #expect(try refusal([(.klTarget, 6), (.klHorizon, 5000), (.ptxRatio, 1), (.clipRangeValue, 1)]) == nil)
  }

  @Test("a choice that nothing reads is refused, too")
  func choices() throws {
    let none = try refusal([(.importanceCap, 3)], choices: [(.rolloutCorrection, "none")])
    #expect(none?.what == "--importance-cap has no effect: --rollout-correction is none")
    let both = try refusal(
      [(.importanceCap, 3)], choices: [(.rolloutCorrection, "truncated")], precision: .float32)
    #expect(both?.what.hasPrefix("--rollout-correction and --importance-cap have no effect: ") == true)
    let penalty = try refusal([(.missingEndPenalty, 0)], choices: [(.missingEnd, "subtract")])
    #expect(penalty?.what.hasPrefix("--missing-eos has no effect") == true)
    #expect(try refusal([(.missingEndPenalty, 0)], choices: [(.missingEnd, "set")]) == nil)
  }

  @Test("a hyper-parameter of a stage that does not run is refused, unless it is read all the same")
  func stages() throws {
    let failure = try refusal([(.klCoefficient, 1)], in: [.sft])
    #expect(failure?.what == "--kl-coef has no effect: only the stage ppo reads such a value")
    #expect(try refusal([(.responseLength, 20)], in: [.sft], further: [.responseLength]) == nil)
    #expect(try refusal([(.rewardEpochs, 0)], in: [.reward]) == nil)
    #expect(try refusal([(.rewardEpochs, 0), (.rewardRate, 1e-3)], in: [.reward])?.kind == .usage)
  }

  @Test("defaults are nobody's: what was not given is never refused")
  func defaults() throws {
    for stage in Stage.all { #expect(try refusal([], in: [stage], precision: .float32) == nil) }
  }

  @Test("what contradicts each other is refused, all at once, and defaults never do")
  func contradictions() throws {
    var settings = Settings()
    try settings.set(.ppoBatch, 2)
    try settings.requireConsistent()
    try settings.set([(.shortestResponse, 41), (.ppoMiniBatches, 3)])
    let failure = #expect(throws: Failure.self) { try settings.requireConsistent() }
    #expect(failure?.kind == .usage)
    #expect(failure?.what.contains("--min-response-length 41 is above --response-length 40") == true)
    #expect(failure?.what.contains("--num-mini-batches 3 is above the 2 episodes") == true)
  }

  @Test("all that is idle is named at once, and each by the name it was given by")
  func together() throws {
    var settings = Settings()
    try settings.merge(
      ["learning-rate": .number(1e-3), "kl-horizon": .integer(50)], stage: .reward, at: "c.json")
    try settings.set(.rewardEpochs, 0, as: "epochs")
    let failure = #expect(throws: Failure.self) { try settings.idle(in: [.reward]).refuse() }
    #expect(failure?.what.contains("\"kl-horizon\" in c.json has no effect: only the stage ppo") == true)
    #expect(failure?.what.contains("\"learning-rate\" in c.json has no effect: without an epoch") == true)
    #expect(failure?.remedy == "Leave them out.")
  }

  @Test("all that is wrong in a file is named at once, with what was probably meant")
  func file() {
    var settings = Settings()
    let failure = #expect(throws: Failure.self) {
      try settings.merge(
        [
          "kl_coef": .number(1), "sft-epoch": .integer(3), "batch-size": .integer(8), "lam": .string("x"),
          "gamma": .integer(3),
        ], at: "c.json")
    }
    let text = "\(failure!)"
    #expect(failure?.kind == .badData)
    for phrase in [
      "c.json: \"batch-size\" is not a hyper-parameter; --gamma 3 is not in 0…1; ",
      "\"kl_coef\" is not a hyper-parameter; ",
      "\"lam\" is not a number; \"sft-epoch\" is not a hyper-parameter. ", "\"ppo-batch-size\"",
      "Did you mean \"kl-coef\"?", "Did you mean \"sft-epochs\"?",
    ] { #expect(text.contains(phrase), "\(phrase) in \(text)") }
  }

  @Test("all options that are out of bounds are named at once")
  func bounds() {
    var settings = Settings()
    let failure = #expect(throws: Failure.self) {
      try settings.set([(.gamma, 2), (.lambda, 0.9), (.sftEpochs, .nan), (.clipRange, .infinity)])
    }
    #expect(failure?.kind == .usage)
    for phrase in ["--gamma 2", "--sft-epochs nan", "--cliprange inf"] {
      #expect(failure?.what.contains(phrase) == true, "\(String(describing: failure))")
    }
  }
}
