import Testing

@testable import Interchange
@testable import Models
@testable import Training

@Suite struct ParityTests {
  @Test(
    "an imported model computes the logits of transformers", arguments: Golden.languageModels + Golden.laterModels)
  func logits(name: String) throws {
    let golden = try Golden(name)
    let imported = try Imported(golden.path)
    let bench = try Bench(imported.model.architecture)
    let ours = bench.logits(try imported.file.weights(), golden.expected.sequences)
    let theirs = try Golden.Expected.floats(golden.expected.logits)
    let error = relativeError(ours, theirs)
    let tolerance = golden.expected.logits_tolerance ?? golden.expected.tolerance
    #expect(error <= tolerance, "\(name): off by \(error)")
  }

  @Test(
    "its losses over 20 AdamW steps are those of PyTorch", arguments: Golden.languageModels + Golden.laterModels)
  func training(name: String) throws {
    let golden = try Golden(name)
    let theirs = try #require(golden.expected.training)
    let imported = try Imported(golden.path)
    let bench = try Bench(imported.model.architecture, training: true)
    var options = AdamW.Options()
    options.beta1 = theirs.beta1
    options.beta2 = theirs.beta2
    options.epsilon = theirs.epsilon
    options.weightDecay = theirs.weight_decay
    options.tensorFlowForm = false
    options.maxGradientNorm = 0
    let model = try TrainableModel(
      .learning(from: imported.file.parameters(), name: name, arena: bench.arena), options: options, tokens: 64, name: name, arena: bench.arena)
    let trainer = try LanguageModelTrainer(bench.transformer, arena: bench.arena)
    let sequences = golden.expected.sequences.map { TrainingSequence(tokens: $0) }
    for (step, expected) in theirs.losses.enumerated() {
      let (loss, _) = try trainer.step(model, sequences, learningRate: theirs.learning_rate)
      #expect(
        abs(loss - expected) <= golden.expected.tolerance * expected,
        "\(name), step \(step): \(loss), not \(expected)")
    }
  }

  @Test("a reward model scores as the sequence classifier that it was", arguments: [Golden.rewardModel, "gemma2-reward"])
  func scores(name: String) throws {
    let golden = try Golden(name)
    let imported = try Imported(golden.path)
    #expect(imported.model.isReward && !imported.model.isNormalized)
    let bench = try Bench(imported.model.architecture)
    let ours = bench.scores(try imported.file.parameters(), golden.expected.sequences)
    let error = relativeError(ours, try Golden.Expected.floats(golden.expected.score))
    #expect(error <= golden.expected.tolerance, "off by \(error)")
  }

  @Test("a shorter context takes the first positions, learned ones too", arguments: ["gpt2", "llama-rope"])
  func context(name: String) throws {
    let golden = try Golden(name)
    let sequences = golden.expected.sequences.map { Array($0.prefix(9)) }
    let whole = try Imported(golden.path)
    let short = try Imported(golden.path, context: 9)
    #expect(short.model.architecture.context == 9)
    let a = try Bench(whole.model.architecture).logits(try whole.file.weights(), sequences)
    #expect(try Bench(short.model.architecture).logits(try short.file.weights(), sequences) == a)
  }

  @Test("the same folder gives the same bytes")
  func deterministic() throws {
    let golden = try Golden("qwen2")
    #expect(
      try Imported(golden.path).checkpoint.contentHash == Imported(golden.path).checkpoint.contentHash)
    #expect(try Imported(golden.path).model.sources().map(\.name).count == 10)
  }
}
