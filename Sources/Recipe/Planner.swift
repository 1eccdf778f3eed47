import Models
import Runs
import Tensors
import Tokenizers
import Training
import World

/// Lays out the arenas of stages with the code that runs them, and writes to none of them.
///
/// Lengths come from the built-in world's data where the model knows it; else every sequence counts
/// as the longest that the context holds. Answers that are still to be sampled count as the longest
/// allowed.
public struct Planner {
  let settings: Settings
  let precision: RolloutPrecision
  let threads: Int

  public init(_ settings: Settings, precision: RolloutPrecision, threads: Int) {
    self.settings = settings
    self.precision = precision
    self.threads = threads
  }

  /// - Parameters:
  ///   - model: what the stages start from; asked for by all but pretraining.
  ///   - judge: the reward model by which SFT chooses an epoch.
  /// - Throws: `Failure(.badData)` for a model that the stages cannot start from.
  public func plan(_ stages: [Stage], judge: Model? = nil, model: () throws -> Model) throws -> Plan {
    Plan(
      try stages.map { stage in
        switch stage {
        case .pretrain: try pretraining()
        case .sft: try sft(try model(), judge)
        case .rankings: try rankings(try model())
        case .reward: try reward(try model())
        case .ppo: try ppo(try model())
        case .eval: try evaluation(try model())
        }
      })
  }

  private func pretraining() throws -> Plan.StagePlan {
    let architecture = PretrainStage.architecture(
      settings, vocabulary: settings.count(.vocabulary))
    try architecture.validate()
    let memory = try PretrainStage.memory(architecture, settings, threads: threads)
    return Plan.StagePlan(.pretrain, memory.bench.arena)
  }

  private func sft(_ model: Model, _ judge: Model?) throws -> Plan.StagePlan {
    try model.require(.base, .sft, .ppo, toBe: "a language model to fine-tune")
    let batch = settings.count(.sftBatch)
    let encoder = Encoder(model.tokenizer, context: model.architecture.context)
    let lengths =
      try model.world().map { world in
        try encoder.fitting(RecipeData.demonstrations(world, settings.count(.sftDemonstrations)))
          .sequences.map(\.tokens.count)
      } ?? Array(repeating: encoder.context, count: batch)
    let memory = try LanguageModelMemory(
      model.architecture, parameters: try model.file.parameters(),
      tokens: Encoder.largestStep(lengths, batch: min(batch, lengths.count)), name: "sft",
      threads: threads)
    guard let judge else {
      return Plan.StagePlan(.sft, memory.bench.arena, mapped: [Self.copy(model)])
    }
    try judge.require(.reward, toBe: "a reward model")
    try judge.requireToRead(model)
    let asked =
      try model.world().map { world in
        longestSequences(
          try RecipeData.validation(world).map { try $0.prompt.tokenCount(model.tokenizer) }, model
        ).max() ?? encoder.context
      } ?? encoder.context
    _ = try JudgingMemory(memory.bench, reward: judge.architecture, longest: asked)
    return Plan.StagePlan(
      .sft, memory.bench.arena, mapped: [Self.copy(model), Self.mapped(judge, "reward model")])
  }

  private var rounds: [Round] { Round.all(settings.count(.rounds)) }

  private func rankings(_ model: Model) throws -> Plan.StagePlan {
    try model.require(.base, .sft, .ppo, toBe: "a language model")
    let chooses = rounds.contains { LabelSelection.isMade(settings, $0) }
    let memory = try SamplingMemory(model.file.layout, choosing: chooses, threads: threads)
    return Plan.StagePlan(
      .rankings, memory.bench.arena,
      mapped: [Self.mapped(model, "SFT model")] + (chooses ? [Self.mapped(model, "reward model")] : []))
  }

  private func reward(_ model: Model) throws -> Plan.StagePlan {
    try model.require(
      .sft, .base, .ppo, .reward, toBe: "a language model to start the reward model from")
    let answers = settings.count(.completionsPerPrompt)
    let batch = settings.count(.rewardBatch)
    let longest =
      try model.world().map { world in
        longestSequences(try rounds.flatMap { RankingStage.candidates(settings, $0) }.map {
          try Prompt(turns: world.item(.comparisons, $0).prompt).tokenCount(model.tokenizer)
        }, model)
      } ?? Array(repeating: model.architecture.context, count: batch)
    let groups = longest.map { answers * $0 }
    let memory = try RewardMemory(
      model.architecture, groups: groups, batch: min(batch, groups.count), threads: threads)
    return Plan.StagePlan(
      .reward, memory.bench.arena, mapped: [Self.mapped(model, "SFT model")])
  }

  private func ppo(_ model: Model) throws -> Plan.StagePlan {
    try model.require(.sft, .ppo, .base, toBe: "a language model to improve")
    let longest =
      try model.world().map { world in
        longestSequences(try RecipeData.prompts(world).map { try $0.tokenCount(model.tokenizer) }, model).max()
          ?? model.architecture.context
      } ?? model.architecture.context
    let policy = try model.file.parameters()
    // Stands for the reward model's file, which is mapped and belongs to no arena of the stage.
    let file = Arena()
    let reward = try ParameterSet(
      ParameterLayout(model.architecture, scalarHead: true), name: "reward model", arena: file)
    let memory = try PPOMemory(
      PPOMemory.Models(
        policy: policy, reference: policy, reward: reward,
        normalization: RewardNormalization(gain: 1, bias: 0)),
      PPOStage.sizes(settings, longest: longest), options: PPOStage.options(settings),
      precision: precision, threads: threads)
    return Plan.StagePlan(
      .ppo, memory.bench.arena,
      mapped: [
        Self.copy(model), Self.mapped(model, "reference"),
        Plan.Block(name: "reward model", bytes: file.bytes),
      ])
  }

  private func evaluation(_ model: Model) throws -> Plan.StagePlan {
    let memory = try EvaluationMemory(model.architecture, threads: threads)
    return Plan.StagePlan(
      .eval, memory.bench.arena,
      mapped: ["base", "SFT model", "PPO model", "reward model"].map { Self.mapped(model, $0) })
  }

  /// Prompts that leave room for an answer, each with the longest answer.
  private func longestSequences(_ prompts: [Int], _ model: Model) -> [Int] {
    prompts.map { $0 + settings.count(.responseLength) }
      .filter { $0 <= model.architecture.context }
  }

  private static func copy(_ model: Model) -> Plan.Block {
    mapped(model, "policy, private copy of the mapped file")
  }

  private static func mapped(_ model: Model, _ name: String) -> Plan.Block {
    Plan.Block(name: name, bytes: 4 * model.file.layout.trunkCount)
  }
}

