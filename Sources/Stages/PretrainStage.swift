import Checkpoints
import Inference
import Models
import Runs
import Support
import Tensors
import Tokenizers
import Training

/// Pretraining: trains a base model on text.
public struct PretrainStage {
  public static let file = EvaluatedModel.base.file
  private static let bitsPerByte = Metric("bits_per_byte", unit: "bits per byte", better: .lower)

  let context: StageContext
  let data: PretrainData

  public init(_ context: StageContext, data: PretrainData) {
    self.context = context
    self.data = data
  }

  public static func architecture(_ settings: Settings, vocabulary: Int) -> Architecture {
    .gpt2(
      layers: settings.count(.layers), dModel: settings.count(.dModel),
      heads: settings.count(.heads), vocabulary: vocabulary, context: settings.count(.context))
  }

  /// Runs or continues the stage; writes `base.trlhf`, with float32 values that are rounded to bfloat16.
  public func run() throws -> StageResult {
    let settings = context.settings
    let (source, tokenizer) = (data.source, data.tokenizer)
    let architecture = Self.architecture(settings, vocabulary: tokenizer.vocabularyCount)
    try architecture.validate()
    let batch = settings.count(.pretrainBatch)
    let memory = try Self.memory(
      architecture, settings, longest: source.longest(context: architecture.context), threads: context.threads)
    let (model, trainer) = (memory.model, memory.trainer)
    let parameters = model.parameters
    parameters.initialize(seed: context.seed)
    let heldOut = source.heldOut(64, tokenizer: tokenizer, context: architecture.context)
    let loop = TrainingLoop(
      context: context, stage: .pretrain, total: settings.count(.pretrainSteps),
      shown: [(.trainingLoss, "loss", 3), (Self.bitsPerByte, "bits per byte", 3)],
      measure: .init(metric: Self.bitsPerByte))
    var draft = try context.draft(
      .pretrain, kind: .base, architecture, tokenizer, step: loop.total, parents: [],
      data: data.provenance)
    if let seed = data.worldSeed {
      draft.provenance.notes[Provenance.worldSeedNote] = JSONValue(seed)
    }
    let schedule = Schedule(
      .cosine, peak: settings[.pretrainRate], floor: 0.1, warmup: max(1, loop.total / 20))
    try loop.run(
      model, schedule, draft, validateEvery: 50,
      step: { step, rate in
        let sequences = (0..<batch).map {
          source.sequence(
            step * batch + $0, tokenizer: tokenizer, context: architecture.context,
            seed: context.seed)
        }
        let (loss, norm) = try trainer.step(model, sequences, learningRate: rate)
        return [.trainingLoss: loss, .gradientNorm: norm]
      },
      validate: {
        [Self.bitsPerByte: heldOut.figures(trainer.pass, model.weights).bitsPerByte]
      })
    parameters.roundToBFloat16()
    return try context.finish(draft, parameters.sources(.policy), as: Self.file)
  }

  /// - Parameter longest: length of the longest sequence [tokens].
  package static func memory(
    _ architecture: Architecture, _ settings: Settings, longest: Int, threads: Int, arena: Arena = Arena()
  ) throws -> LanguageModelMemory {
    var options = AdamW.Options()
    options.weightDecay = Float(settings[.pretrainDecay])
    options.epsilon = 1e-8
    options.tensorFlowForm = false
    return try LanguageModelMemory(
      architecture, parameters: nil, options: options,
      tokens: settings.count(.pretrainBatch) * longest, name: "base",
      threads: threads, arena: arena)
  }
}

extension ParameterSet {
  /// Rounds every value to the nearest bfloat16, ties to even. Half of the bytes become zero and take almost no space
  /// when the file is packed.
  func roundToBFloat16() {
    for (base, count) in buffers {
      for i in 0..<count {
        let bits = base[i].bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000
        base[i] = Float(bitPattern: rounded)
      }
    }
  }
}
