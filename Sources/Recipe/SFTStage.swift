import Checkpoints
import Datasets
import Models
import Runs
import Support
import Tokenizers
import Training

/// Supervised fine-tuning on demonstrations: loss on the completion, end token included.
public struct SFTStage {
  public static let file = "sft.trlhf"

  let context: StageContext
  let base: Model
  let demonstrations: [Demonstration]
  let validation: [Demonstration]
  let data: Provenance.Source

  /// - Parameters:
  ///   - base: mapped copy-on-write; trained where it lies.
  ///   - validation: only measured; may be empty.
  public init(
    _ context: StageContext, base: Model, demonstrations: [Demonstration],
    validation: [Demonstration], data: Provenance.Source
  ) {
    self.context = context
    self.base = base
    self.demonstrations = demonstrations
    self.validation = validation
    self.data = data
  }

  /// Runs or continues the stage; leaves `sft.trlhf`.
  public func run() throws -> StageResult {
    try base.require(.base, .sft, .ppo, toBe: "a language model to fine-tune")
    let settings = context.settings
    let architecture = base.architecture
    let encoder = Encoder(base.tokenizer, context: architecture.context)
    let sequences = try encoder.sequences(demonstrations, called: "demonstrations")
    let heldOut = encoder.fitting(validation)
    let bench = try Workbench(architecture, threads: context.threads)
    let batch = min(settings.count(.sftBatch), sequences.count)
    let parameters = try base.file.parameters()
    let model = try TrainableModel(
      parameters, options: AdamW.Options(),
      tokens: Encoder.largestStep(sequences.map(\.tokens.count), batch: batch), name: "sft",
      arena: bench.arena)
    let trainer = try LanguageModelTrainer(try bench.training(), arena: bench.arena)
    let order = EpochOrder(
      count: sequences.count, batch: batch, seed: context.seed, purpose: "sft/order")
    let total = order.steps(epochs: settings.count(.sftEpochs))
    let schedule = Schedule(.cosine, peak: settings[.sftRate], floor: 0.1)
    let snapshot = Snapshot(models: [(.policy, model)])
    let draft = draft(total)

    let loop = TrainingLoop(
      context: context, stage: .sft, total: total,
      shown: [("loss/train", "loss", 3), ("loss/validation", "validation", 3)])
    _ = try loop.run(
      restore: snapshot.restore,
      save: { state, path in try snapshot.write(draft, state: state, to: path) },
      step: { state in
        let rate = Double(schedule.learningRate(step: state.step, total: total))
        let (loss, norm) = try trainer.step(
          model, order.batch(state.step).map { sequences[$0] }, learningRate: rate)
        var metrics = ["loss/train": loss, "gradient_norm": norm, "lr": rate]
        metrics["epoch"] = Double(state.step + 1) / Double(order.stepsPerEpoch)
        if !heldOut.isEmpty && (state.step % 10 == 9 || state.step == total - 1) {
          let (sum, count) = trainer.evaluate(model.weights, heldOut)
          metrics["loss/validation"] = sum / Double(max(1, count))
        }
        return metrics
      })
    let identity = try draft.write(parameters.sources(.policy), to: context.run.file(Self.file))
    return StageResult(checkpoint: Self.file, identity: identity)
  }

  private func draft(_ total: Int) -> CheckpointDraft {
    CheckpointDraft(
      kind: .sft, architecture: base.architecture, tokenizer: base.tokenizer, seed: context.seed,
      step: total,
      provenance: Provenance(
        stage: Stage.sft.rawValue,
        parents: [.init(name: base.name, hash: base.checkpoint.identity)], data: [data],
        configuration: context.settings.resolved([.sft])))
  }
}
