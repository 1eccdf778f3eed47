import Datasets
import Models
import Runs
import Support
import World

/// K answers of the SFT model for each prompt, ranked by simulated labelers.
///
/// `rankings.jsonl` is what the reward model learns from; `rankings-held-out.jsonl` holds other
/// prompts, each ranked once by a training labeler and once by one that training never sees.
public struct RankingStage {
  public static let heldOutFile = "rankings-held-out.jsonl"
  /// Held-out prompts for each ranked prompt.
  static let heldOutShare = 0.15

  let context: StageContext
  let sft: Model
  let world: World
  private let rubric: Rubric

  public init(_ context: StageContext, sft: Model, world: World) {
    self.context = context
    self.sft = sft
    self.world = world
    rubric = Rubric(world)
  }

  /// Prompts of training and of the held-out file, together.
  private var counts: (training: Int, heldOut: Int) {
    let training = context.settings.count(.rankingPrompts)
    return (training, max(8, Int(Double(training) * Self.heldOutShare)))
  }

  /// Runs the stage; leaves both files of rankings.
  public func run() throws -> StageResult {
    let (training, heldOut) = counts
    let items = (0..<training + heldOut).map { world.item(.comparisons, $0) }
    let answers = try sample(items)
    var rankings: [Comparison] = []
    var heldOutRankings: [Comparison] = []
    for (index, item) in items.enumerated() {
      let texts = answers[index]
      if index < training {
        rankings.append(rank(item, texts, by: Labeler.training, index))
      } else {
        heldOutRankings.append(rank(item, texts, by: Labeler.training, index))
        heldOutRankings.append(rank(item, texts, by: Labeler.heldOut, index))
      }
    }
    try context.run.writeLines(heldOutRankings, to: Self.heldOutFile)
    try context.run.writeLines(rankings, to: RunFile.rankings)
    return StageResult(checkpoint: RunFile.rankings)
  }

  private func sample(_ items: [WorldItem]) throws -> [[String]] {
    let memory = try SamplingMemory(sft.file.layout, threads: context.threads)
    var options = SamplingOptions()
    options.maxNewTokens = context.settings.count(.responseLength)
    let sampler = Sampler(
      generator: memory.generator,
      weights: memory.quantized.update(
        from: try sft.parameters(), compute: memory.bench.compute),
      tokenizer: sft.tokenizer, options: options, seed: context.seed, purpose: "rankings/sample")
    let progress = context.progress(Stage.rankings.rawValue, items.count, 0)
    let answers = try sampler.answers(
      items.map(\.prompt), samples: context.settings.count(.completionsPerPrompt)
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

  private func rank(_ item: WorldItem, _ texts: [String], by labelers: [Labeler], _ index: Int)
    -> Comparison
  {
    let labeler = labelers[index % labelers.count]
    var random = RandomStream(
      seed: context.seed, purpose: "rankings/\(labeler.id)", index: UInt64(index))
    return Comparison(
      prompt: Prompt(turns: item.prompt), completions: texts,
      ranks: labeler.rank(texts, for: item, by: rubric, stream: &random), labeler: labeler.id, policy: "sft")
  }
}
