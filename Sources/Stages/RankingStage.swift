import Dialogues
import Evaluation
import Inference
import Models
import Runs
import Support
import World

/// Samples K answers of the policy for each prompt of the built-in world, and has them ranked.
///
/// `rankings.jsonl` is for training the reward model. `rankings-held-out.jsonl` has other prompts; with simulated
/// labelers, each is ranked by a training labeler and by a held-out labeler. In later rounds, both files begin with
/// the rankings of the earlier rounds, followed by rankings of new prompts.
public struct RankingStage {
  public static let heldOutFile = "rankings-held-out.jsonl"
  /// Held-out prompts for each ranked prompt.
  static let heldOutShare = 0.15

  let context: StageContext
  let policy: Model
  /// The reward model whose trunk the prompt-choosing heads use; nil if prompts are not chosen.
  let reward: Model?
  let world: World
  let ranker: any Ranker

  /// - Parameters:
  ///   - policy: the model that answers: the SFT model in the first round, later the policy of the previous round.
  ///   - reward: the previous round's reward model, if `LabelSelection.isMade`.
  public init(
    _ context: StageContext, policy: Model, reward: Model? = nil, world: World, ranker: RankerChoice = .simulated
  ) throws {
    self.context = context
    self.policy = policy
    self.reward = reward
    self.world = world
    self.ranker = try ranker.ranker(context, world)
  }

  /// Numbers of this round's prompts in the world, for training and for the held-out file. Over all rounds, the
  /// training prompts are numbered from 0, and the held-out prompts follow them.
  static func items(_ settings: Settings, _ round: Round) -> (training: Range<Int>, heldOut: Range<Int>) {
    let training = settings.count(.rankingPrompts)
    let heldOut = round.share(of: max(8, Int(Double(training) * heldOutShare)))
    return (
      round.share(of: training), training + heldOut.lowerBound..<training + heldOut.upperBound
    )
  }

  /// Numbers of the prompts that a round answers: its training prompts, or, if prompts are chosen, the candidates. No
  /// candidate is in another round or held out.
  package static func candidates(_ settings: Settings, _ round: Round) -> Range<Int> {
    let share = round.share(of: settings.count(.rankingPrompts))
    guard LabelSelection.isMade(settings, round) else { return share }
    let (first, pool) = (items(settings, .only).heldOut.upperBound, LabelSelection.pool)
    return first + pool * share.lowerBound..<first + pool * share.upperBound
  }

  /// Runs the stage; writes both files of rankings.
  public func run() throws -> StageResult {
    let memory = try SamplingMemory(
      policy.file.layout, choosing: reward != nil, threads: context.threads)
    var rankings: [Comparison] = try earlier(RunFile.rankings)
    var heldOutRankings: [Comparison] = try earlier(Self.heldOutFile)
    let selection = try reward.map {
      try LabelSelection(context, reward: $0, rankings: rankings, scorer: memory.scorer!)
    }
    let (next, heldOut) = Self.items(context.settings, context.round)
    let candidates = Self.candidates(context.settings, context.round)
    let numbers = Array(candidates) + Array(heldOut)
    let prompts = numbers.map { Prompt(turns: world.item(.comparisons, $0).prompt) }
    let answers = try sample(prompts, numbers, memory)
    var training = Array(0..<candidates.count)
    if let selection {
      training = try selection.choose(
        next.count,
        of: (0..<candidates.count).map { (prompts[$0], answers[$0]) })
      try selection.write()
    }
    let tasks = (training + (candidates.count..<numbers.count)).map { index in
      task(numbers[index], prompts[index], answers[index], isHeldOut: index >= candidates.count)
    }
    for (task, ranked) in zip(tasks, try rank(tasks)) {
      guard task.isHeldOut else {
        rankings += ranked
        continue
      }
      heldOutRankings += ranked.map { ranking in
        var ranking = ranking
        ranking.item = task.number
        return ranking
      }
    }
    let file = context.round.file(RunFile.rankings)
    try context.run.writeLines(heldOutRankings, to: context.round.file(Self.heldOutFile))
    try context.run.writeLines(rankings, to: file)
    return StageResult(checkpoint: file, identity: try context.rankingsIdentity())
  }

  /// The rankings of the earlier rounds.
  private func earlier(_ file: String) throws -> [Comparison] {
    try context.round.previous.map { try context.run.readLines($0.file(file)) } ?? []
  }

  /// Samples answers to the prompts; each prompt's number chooses its random stream.
  private func sample(
    _ prompts: [Prompt], _ numbers: [Int], _ memory: SamplingMemory
  ) throws -> [[String]] {
    var options = SamplingOptions()
    options.maxNewTokens = context.settings.count(.responseLength)
    let sampler = Sampler(
      generator: memory.generator,
      weights: try memory.weights(of: try policy.parameters()),
      tokenizer: policy.tokenizer, options: options, seed: context.seed, purpose: "rankings/sample")
    let progress = context.progress(context.name(.rankings), numbers.count, 0)
    let answers = try sampler.answers(
      prompts.tokenized(policy.tokenizer, threads: context.threads).map(\.tokens),
      samples: context.settings.count(.completionsPerPrompt), numbers: numbers
    ) { done in
      progress.update(step: done)
      if context.isInterrupted() {
        progress.finish()
        throw context.interrupted()
      }
    }
    progress.finish()
    return answers.map { $0.map(\.text) }
  }

  private func task(_ number: Int, _ prompt: Prompt, _ texts: [String], isHeldOut: Bool) -> RankingTask {
    RankingTask(
      number: number,
      answers: UnrankedAnswers(
        prompt: prompt, completions: texts,
        policy: context.round.previous?.name(Stage.ppo.name) ?? Stage.sft.name),
      isHeldOut: isHeldOut)
  }

  private func rank(_ tasks: [RankingTask]) throws -> [[Comparison]] {
    let work = Work("ranking", of: tasks.count)
    defer { work.end() }
    return try ranker.rank(tasks) {
      work.advance()
      if context.isInterrupted() { throw context.interrupted() }
    }
  }
}
