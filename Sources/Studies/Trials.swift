import Checkpoints
import Dialogues
import Evaluation
import Inference
import Runs
import Stages
import Tokenizers
import World

/// The stages of the recipe, each in its own run folder (a trial). Every function returns the trial's result, and
/// trains only what does not exist yet.
extension Laboratory {
  /// A base model with the settings' shape, pretrained on the world's text.
  ///
  /// - Parameter data: the pretraining data, shared by several bases; made when the first base is trained.
  func pretrain(_ name: String, _ settings: Settings, _ data: inout PretrainData?) throws -> String {
    let trial = try trial(name, settings)
    try trial.stage(.pretrain) {
      let made = try data ?? PretrainData(
        nil, worldSeed: world.seed, settings: settings, threads: trial.threads)
      data = made
      return try PretrainStage(trial, data: made).run()
    }
    return trial.run.file(PretrainStage.file)
  }

  /// A model fine-tuned on demonstrations (default: the settings' number of the world's demonstrations).
  func sft(
    _ name: String = "sft", _ settings: Settings? = nil, from base: String? = nil,
    demonstrations: [Demonstration]? = nil
  ) throws -> String {
    let trial = try trial(name, settings)
    try trial.stage(.sft) {
      let model = try open(base ?? self.base, .copyOnWrite)
      let data = try SFTStage.Data(
        demonstrations?.tokenized(model.tokenizer, threads: trial.threads), at: nil,
        validation: RecipeData.validation(world).tokenized(model.tokenizer, threads: trial.threads), base: model,
        settings: trial.settings, threads: trial.threads)
      return try SFTStage(trial, base: model, data: data).run()
    }
    return trial.run.file(SFTStage.file)
  }

  /// A whole run of the recipe in its own folder.
  func recipe(_ name: String, _ settings: Settings) throws -> RunFolder {
    let trial = try trial(name, settings)
    try Pipeline(trial, inputs: Pipeline.Inputs()) { [base] path in
      try Checkpoint(path: base, verify: trial.verify, threads: trial.threads).copy(to: path)
    }.run()
    return trial.run
  }

  /// Ranked answers: for training, and held out.
  struct Rankings {
    var training: [Comparison]
    /// Two lines per prompt: one from a training labeler, one from a held-out labeler.
    var heldOut: [Comparison]
  }

  /// Answers of a model to the settings' number of prompts, ranked by the simulated labelers.
  func rankings(_ name: String = "rankings", _ settings: Settings? = nil, of model: String) throws
    -> Rankings
  {
    let trial = try trial(name, settings)
    try trial.stage(.rankings) {
      try RankingStage(trial, policy: try open(model), world: world).run()
    }
    return Rankings(
      training: try trial.run.readLines(RunFile.rankings),
      heldOut: try trial.run.readLines(RankingStage.heldOutFile))
  }

  /// A reward model trained on the world's rankings, normalised so that the world's demonstrations score 0 on average.
  func reward(
    _ name: String = "reward", _ settings: Settings? = nil, from sft: String,
    _ comparisons: [Comparison], heldOut: [Comparison] = []
  ) throws -> String {
    try reward(
      name, settings, from: sft, comparisons, heldOut: heldOut,
      demonstrations: RecipeData.demonstrations(
        world, (settings ?? self.settings).count(.sftDemonstrations)))
  }

  /// The models that most studies start from, under their default names: SFT, rankings of its answers, and the reward
  /// model trained on them.
  func rewarded() throws -> (sft: String, rankings: Rankings, reward: String) {
    let sft = try sft()
    let rankings = try rankings(of: sft)
    return (sft, rankings, try reward(from: sft, rankings.training, heldOut: rankings.heldOut))
  }

  /// A policy, and the measurements made during its training.
  struct Policy {
    var file: String
    var looks: [Look]
  }

  /// The policy at one step of PPO, on validation prompts.
  struct Look {
    var step: Int
    /// KL from SFT [nats per answer].
    var kl: Double
    var proxy: Double
    var gold: Double
  }

  /// A policy trained by PPO against a reward model.
  func ppo(
    _ name: String, _ settings: Settings? = nil, from sft: String, reward: String,
    precision: RolloutPrecision = .int8, probe: Probe? = nil
  ) throws -> Policy {
    let trial = try trial(name, settings)
    try trial.stage(.ppo) {
      let model = try open(sft, .copyOnWrite)
      return try PPOStage(
        trial, policy: model, reference: try open(sft), reward: try open(reward),
        data: try PPOStage.Data(
          prompts: nil, at: nil, texts: nil, sft: model, settings: trial.settings, threads: trial.threads),
        precision: precision, probe: probe
      ).run()
    }
    let looks = try RunRecords.read(trial.run.path).probes(of: Stage.ppo.name).map {
      Look(step: $0.step, kl: $0.kl, proxy: $0.proxy, gold: $0.gold)
    }
    return Policy(file: trial.run.file(PPOStage.file), looks: looks)
  }
}

extension Workshop {
  /// A reward model trained on comparisons and normalised.
  ///
  /// - Parameters:
  ///   - place: the file of the comparisons, for messages.
  ///   - heldOut: measured, not trained on.
  ///   - demonstrations: for the normalisation; nil for the best of the compared answers.
  func reward(
    _ name: String, _ settings: Settings? = nil, from sft: String, _ comparisons: [Comparison],
    at place: String = RunFile.rankings, heldOut: [Comparison], demonstrations: [Demonstration]?
  ) throws -> String {
    let trial = try trial(name, settings)
    try trial.stage(.reward) {
      let model = try open(sft)
      let (tokenizer, threads) = (model.tokenizer, trial.threads)
      return try RewardStage(
        trial, sft: model,
        data: try RewardStage.Data(
          comparisons: comparisons.filter { !$0.isAllTies }.tokenized(tokenizer, threads: threads), at: place,
          validation: heldOut.tokenized(tokenizer, threads: threads),
          demonstrations: demonstrations?.tokenized(tokenizer, threads: threads), threads: threads)
      ).run()
    }
    return trial.run.file(RewardStage.file)
  }
}
