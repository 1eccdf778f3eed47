import Checkpoints
import Dialogues
import Evaluation
import Inference
import Runs
import Stages
import World

/// The stages of the recipe, each in a trial of its own; every function returns what the trial left, and trains only
/// what is not there.
extension Laboratory {
  /// A base of the settings' shape, pretrained on the world's text.
  ///
  /// - Parameter data: made by the first of several bases that has to be trained, and shared.
  func pretrain(_ name: String, _ settings: Settings, _ data: inout PretrainData?) throws -> String {
    let trial = try trial(name, settings)
    try trial.stage(.pretrain) {
      let made = try data ?? PretrainData(nil, worldSeed: world.seed, settings: settings, at: nil)
      data = made
      return try PretrainStage(trial, data: made).run()
    }
    return trial.run.file(PretrainStage.file)
  }

  /// A model fine-tuned on demonstrations; without any given, on the settings' number of the world's.
  func sft(
    _ name: String = "sft", _ settings: Settings? = nil, from base: String? = nil,
    demonstrations: [Demonstration]? = nil
  ) throws -> String {
    let trial = try trial(name, settings)
    try trial.stage(.sft) {
      let model = try open(base ?? self.base, .copyOnWrite)
      let data = try SFTStage.Data(
        demonstrations, at: nil, validation: RecipeData.validation(world), base: model,
        settings: trial.settings)
      return try SFTStage(trial, base: model, data: data).run()
    }
    return trial.run.file(SFTStage.file)
  }

  /// A whole run of the recipe in a folder of its own.
  func recipe(_ name: String, _ settings: Settings) throws -> RunFolder {
    let trial = try trial(name, settings)
    try Pipeline(trial, inputs: Pipeline.Inputs()) { [base] path in
      try Checkpoint(path: base, verify: trial.verify, threads: trial.threads).copy(to: path)
    }.run()
    return trial.run
  }

  /// Ranked answers, to learn from and held out.
  struct Rankings {
    var training: [Comparison]
    /// Two lines a prompt: a training labeler's ranking and that of one whom training never sees.
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

  /// A reward model of the world's rankings, whose demonstrations score 0.
  func reward(
    _ name: String = "reward", _ settings: Settings? = nil, from sft: String,
    _ comparisons: [Comparison], heldOut: [Comparison] = []
  ) throws -> String {
    try reward(
      name, settings, from: sft, comparisons, heldOut: heldOut,
      demonstrations: RecipeData.demonstrations(
        world, (settings ?? self.settings).count(.sftDemonstrations)))
  }

  /// What most studies begin with, each under its own name: SFT, rankings of its answers, and the reward model
  /// that they teach.
  func rewarded() throws -> (sft: String, rankings: Rankings, reward: String) {
    let sft = try sft()
    let rankings = try rankings(of: sft)
    return (sft, rankings, try reward(from: sft, rankings.training, heldOut: rankings.heldOut))
  }

  /// A policy, and the looks that were taken at it while it learnt.
  struct Policy {
    var file: String
    var looks: [Look]
  }

  /// The policy at one step of PPO, on validation prompts.
  struct Look {
    var step: Int
    /// Nats an answer.
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
          prompts: nil, at: nil, texts: nil, sft: model, settings: trial.settings),
        precision: precision, probe: probe
      ).run()
    }
    let looks = try RunRecords.read(trial.run.path).metrics.compactMap { record -> Look? in
      guard let kl = record.values["eval/kl"], let proxy = record.values["eval/proxy"],
        let gold = record.values["eval/gold"]
      else { return nil }
      return Look(step: record.step, kl: kl, proxy: proxy, gold: gold)
    }
    return Policy(file: trial.run.file(PPOStage.file), looks: looks)
  }
}

extension Workshop {
  /// A reward model trained on comparisons and normalised.
  ///
  /// - Parameters:
  ///   - place: the file of the comparisons, for messages.
  ///   - heldOut: only watched.
  ///   - demonstrations: nil for the best of the compared answers.
  func reward(
    _ name: String, _ settings: Settings? = nil, from sft: String, _ comparisons: [Comparison],
    at place: String = RunFile.rankings, heldOut: [Comparison], demonstrations: [Demonstration]?
  ) throws -> String {
    let trial = try trial(name, settings)
    try trial.stage(.reward) {
      try RewardStage(
        trial, sft: try open(sft),
        data: try RewardStage.Data(
          comparisons: comparisons.filter { !$0.isAllTies }, at: place, validation: heldOut,
          demonstrations: demonstrations)
      ).run()
    }
    return trial.run.file(RewardStage.file)
  }
}
