import Evaluation
import Inference
import Training

/// Every hyper-parameter of the recipe. The defaults were chosen by measurements on the built-in world; the published
/// values in RECIPE.md are for models a thousand times larger.
extension Parameter {
  // MARK: The model that `pretrain` makes

  public static let layers = count(
    .pretrain, "layers", default: 6, quick: 2, in: 1...200, unit: "layers", help: "Transformer layers.")
  public static let dModel = count(
    .pretrain, "d-model", default: 192, quick: 64, in: 8...16_384, unit: "units", help: "Width of the residual stream.")
  public static let heads = count(
    .pretrain, "heads", default: 6, quick: 2, in: 1...256, unit: "heads", help: "Attention heads.")
  public static let vocabulary = count(
    .pretrain, "vocab", default: 2048, in: 260...1_000_000, unit: "tokens", help: "Vocabulary size of the tokenizer.")
  public static let context = count(
    .pretrain, "context", default: 128, in: 8...65_536, unit: "tokens", help: "Longest sequence.")

  public static let pretrainSteps = count(
    .pretrain, "pretrain-steps", short: "steps", default: 24_000, quick: 40, in: 1...10_000_000, unit: "updates",
    help: "Optimizer steps of pretraining.")
  public static let pretrainBatch = count(
    .pretrain, "pretrain-batch-size", short: "batch-size", default: 32, in: 1...65_536, unit: "documents",
    help: "Documents per update.")
  public static let pretrainRate = real(
    .pretrain, "pretrain-learning-rate", short: "learning-rate", default: 3e-3, in: 0...1, unit: "",
    help: "Peak learning rate; cosine to 10 %, warm-up over the first 5 %.")
  public static let pretrainDecay = real(
    .pretrain, "pretrain-weight-decay", short: "weight-decay", default: 0.1, in: 0...1, unit: "",
    help: "AdamW weight decay for matrices.")

  // MARK: Supervised fine-tuning

  public static let sftDemonstrations = count(
    .sft, "sft-demonstrations", short: "demonstrations-count", default: 60, quick: 60, in: 1...10_000_000,
    unit: "demonstrations", isOfWorld: true, help: "Demonstrations drawn from the built-in world.")
  public static let sftEpochs = count(
    .sft, "sft-epochs", short: "epochs", default: 16, quick: 16, in: 1...1000, unit: "epochs",
    help: "Passes over the demonstrations.")
  public static let sftBatch = count(
    .sft, "sft-batch-size", short: "batch-size", default: 16, in: 1...65_536, unit: "demonstrations",
    help: "Demonstrations per update.")
  public static let sftRate = real(
    .sft, "sft-learning-rate", short: "learning-rate", default: 3e-4, in: 0...1, unit: "",
    help: "Peak learning rate; cosine to 10 %.")

  public static let sftLoss = choice(
    .sft, "sft-loss", short: "loss", of: ["nll", "dft"], isRecordedAtDefault: false,
    help: """
      nll, the plain loss; or dft, dynamic fine-tuning, which weights each token's loss by the token's own \
      probability.
      """)
  public static let sftDropout = real(
    .sft, "sft-dropout", short: "dropout", default: 0, in: 0...0.9, unit: "",
    help: "Residual dropout: the share of each sub-layer's output that is set to 0 in training.")

  // MARK: Comparisons

  public static let rankingPrompts = count(
    .rankings, "ranking-prompts", default: 16_000, quick: 1000, in: 1...10_000_000, unit: "prompts",
    help: "Prompts whose answers are ranked, summed over all rounds.")
  public static let completionsPerPrompt = count(
    .rankings, "completions-per-prompt", short: "samples", default: 6, quick: 4, in: 2...64, unit: "answers",
    help: "K: number of answers sampled and ranked for each prompt.")
  public static let rounds = count(
    .rankings, "rounds", default: 1, in: 1...1000, unit: "rounds",
    help: """
      Rounds of ranking and PPO. Each ranks answers of the newest policy, trains a new reward model on all \
      rankings so far, and continues PPO. --ranking-prompts and --total-episodes are split evenly over the \
      rounds, so that several cost as much as one.
      """)

  public static let labelSelection = choice(
    .rankings, "label-selection", of: ["random", "disagreement"],
    help: """
      How rounds after the first choose the prompts to rank: random takes the next ones; disagreement takes, from \
      four times as many, those on whose answers --reward-heads disagree most.
      """)
  public static let rewardHeads = count(
    .rankings, "reward-heads", default: 1, in: 1...256, unit: "heads",
    help: """
      Heads on the reward model's last layer for --label-selection disagreement, each with its own random start \
      and its own bootstrap sample of the rankings. They do not change the reward.
      """)

  // MARK: Reward model

  public static let rewardEpochs = count(
    .reward, "reward-epochs", short: "epochs", default: 1, in: 0...1000, unit: "epochs",
    help: "Passes over the comparisons; more than one overfits, 0 only measures the normalisation.")
  public static let rewardBatch = count(
    .reward, "reward-batch-size", short: "batch-size", default: 8, in: 1...65_536, unit: "prompts",
    help: "Prompts per update, each with all its answers.")
  public static let rewardRate = real(
    .reward, "reward-learning-rate", short: "learning-rate", default: 3e-4, in: 0...1, unit: "",
    help: "Peak learning rate; cosine to 10 %.")
  public static let rewardCentering = real(
    .reward, "center-rewards-coefficient", default: 0, in: 0...1, unit: "",
    help: "Penalty on (r_w + r_l)², which keeps scores near 0.")

  // MARK: PPO

  public static let totalEpisodes = count(
    .ppo, "total-episodes", default: 14_336, quick: 2048, in: 1...1_000_000_000, unit: "episodes",
    help: "Answers sampled for training, summed over all rounds.")
  public static let ppoBatch = count(
    .ppo, "ppo-batch-size", short: "batch-size", default: 256, quick: 64, in: 1...65_536, unit: "episodes",
    help: "Episodes per iteration.")
  public static let ppoMiniBatches = count(
    .ppo, "num-mini-batches", default: 4, quick: 2, in: 1...1024, unit: "minibatches", assign: { $0.miniBatches = $1 },
    help: "Minibatches into which an iteration's episodes are split; each gives one update.")
  public static let ppoEpochs = count(
    .ppo, "num-ppo-epochs", aliases: ["epochs"], default: 1, in: 1...64, unit: "epochs", assign: { $0.epochs = $1 },
    help: "Passes over an iteration's episodes.")
  public static let ppoRate = real(
    .ppo, "ppo-learning-rate", short: "learning-rate", default: 1e-4, in: 0...1, unit: "",
    help: "Learning rate of policy and value; constant after 10 iterations of warm-up from a tenth.")
  public static let klCoefficient = real(
    .ppo, "kl-coef", default: 0.02, in: 0...100, unit: "reward per nat", assign: { $0.klCoefficient = $1 },
    help: "β, coefficient of the penalty on KL from the SFT model.")
  public static let klTarget = real(
    .ppo, "kl-target", default: 0, in: 0...1000, unit: "nats per episode",
    assign: { if $1 > 0 { $0.adaptiveKL = .init(kl: $1, horizon: $0.adaptiveKL?.horizon ?? 10_000) } },
    help: "Adapt β to reach this KL; 0 keeps β fixed.")
  public static let klEstimator = choice(
    .ppo, "kl-estimator", of: KLEstimator.allCases.map(\.rawValue),
    assign: { $0.klEstimator = KLEstimator(rawValue: $1)! },
    help: "Estimator of each token's KL; β times it is subtracted from the token's reward.")
  public static let klHorizon = real(
    .ppo, "kl-horizon", default: 10_000, in: 1...1e9, unit: "episodes", assign: { $0.adaptiveKL?.horizon = $1 },
    help: "Horizon of the adaptive β (--kl-target).")
  public static let clipRange = real(
    .ppo, "cliprange", default: 0.2, in: 1e-6...10, unit: "", assign: { $0.clipRange = $1 },
    help: "ε: the probability ratio is clipped to 1 ± this.")
  public static let clipRangeValue = real(
    .ppo, "cliprange-value", default: 0.2, in: 1e-6...1e6, unit: "reward", assign: { $0.clipRangeValue = $1 },
    help: "ε: value changes are clipped to ± this in the value loss.")
  public static let valueCoefficient = real(
    .ppo, "vf-coef", default: 0.1, in: 0...1000, unit: "", assign: { $0.valueCoefficient = $1 },
    help: "Weight of the value loss.")
  public static let valueModel = choice(
    .ppo, "value-model", of: ValueModel.allCases.map(\.rawValue), isRecordedAtDefault: false,
    assign: { $0.valueModel = ValueModel(rawValue: $1)! },
    help: """
      A separate value model, which starts as the reward model; or a value head on the policy's trunk, to save memory.
      """)
  public static let gamma = real(
    .ppo, "gamma", default: 1, in: 0...1, unit: "", assign: { $0.gamma = $1 }, help: "Discount per token.")
  public static let lambda = real(
    .ppo, "lam", default: 0.95, in: 0...1, unit: "", assign: { $0.lambda = $1 },
    help: "λ of generalised advantage estimation.")
  public static let ptxCoefficient = real(
    .ppo, "ptx-coef", default: 0.5, in: 0...1000, unit: "", assign: { $0.pretrainingCoefficient = $1 },
    help: "γ_ptx: weight of the pretraining loss; 0 for plain PPO.")
  public static let ptxRatio = real(
    .ppo, "ptx-ratio", default: 0.5, in: 0...64, unit: "documents per episode",
    help: "Pretraining documents per episode.")
  public static let temperature = real(
    .ppo, "rollout-temperature", configurationAlias: "temperature", default: 1, in: 1e-3...100, unit: "",
    assign: { $0.temperature = Float($1) },
    help: "Temperature of rollouts; all log-probabilities of PPO are at this temperature.")
  public static let responseLength = count(
    .ppo, "response-length", default: 40, in: 1...65_536, unit: "tokens", help: "Longest answer.")
  public static let missingEndPenalty = real(
    .ppo, "missing-eos-penalty", default: 1, in: 0...1e6, unit: "reward", assign: { $0.missingEnd = .set(-Float($1)) },
    help: "Penalty for an answer without an end token (see --missing-eos).")
  public static let missingEnd = choice(
    .ppo, "missing-eos", of: ["set", "subtract"],
    assign: { options, choice in
      if choice == "subtract", case .set(let penalty) = options.missingEnd {
        options.missingEnd = .subtract(-penalty)
      }
    },
    help: "Whether minus the penalty replaces the score, or the penalty is subtracted from it.")
  public static let shortestResponse = count(
    .ppo, "min-response-length", default: 0, in: 0...65_536, unit: "tokens", assign: { $0.shortestResponse = $1 },
    help: "A shorter answer is treated as one without an end token; 0 for no minimum.")
  public static let rewardClip = real(
    .ppo, "reward-clip", default: 0, in: 0...1e6, unit: "reward", assign: { $0.rewardClip = $1 > 0 ? Float($1) : nil },
    help: "Clip scores to ± this; 0 for no clipping.")
  public static let whitenRewards = flag(
    .ppo, "whiten-rewards", assign: { $0.whitenRewards = $1 }, help: "Whiten rewards before advantages are computed.")
  public static let averageDecay = real(
    .ppo, "ema-decay", default: 0.98, quick: 0, in: 0...1, unit: "", assign: { $0.averageDecay = $1 },
    help: "Decay per update of the policy's moving average, which is the result; 0 for the last policy.")
  public static let importanceCap = real(
    .ppo, "importance-cap", default: 2, in: 1e-3...1e6, unit: "", assign: { $0.importanceCap = $1 },
    help: "C: cap of the importance weights that correct int8 rollouts.")
  public static let largestUpdateKL = real(
    .ppo, "max-update-kl", default: 1, in: 1e-6...1000, unit: "nats per token", isRecordedAtDefault: false,
    assign: { $0.largestKL = $1 },
    help: """
      Skip an update whose approximate KL to the policy that sampled the answers reaches this. It guards against \
      explosions: five iterations in a row with skipped updates end the run.
      """)
  public static let rolloutCorrection = choice(
    .ppo, "rollout-correction", of: ["truncated", "none"], isRecordedAtDefault: false,
    assign: { $0.correctsRollouts = $1 == "truncated" },
    help: "Whether int8 rollouts are corrected by truncated importance weights; none is for comparison only.")

  // MARK: Evaluation

  public static let evaluationPrompts = count(
    .eval, "eval-prompts", default: 250, quick: 100, in: 1...1_000_000, unit: "prompts",
    help: "Held-out prompts per evaluation set.")
  public static let evaluationSamples = count(
    .eval, "eval-samples", default: 4, quick: 2, in: 1...64, unit: "answers", help: "Answers per prompt in evaluation.")
  public static let evaluationDocuments = count(
    .eval, "eval-documents", default: 400, quick: 60, in: 1...1_000_000, unit: "documents",
    help: "Held-out documents for bits per byte.")

  /// All hyper-parameters, by stage and in the order of the help text. If two set the same field of PPO's options, the
  /// later one modifies the value that the earlier one set.
  public static let all: [Parameter] = [
    layers, dModel, heads, vocabulary, context, pretrainSteps, pretrainBatch, pretrainRate,
    pretrainDecay, sftDemonstrations, sftEpochs, sftBatch, sftRate, sftLoss, sftDropout,
    rankingPrompts,
    completionsPerPrompt, rounds, labelSelection, rewardHeads, rewardEpochs, rewardBatch, rewardRate,
    rewardCentering, totalEpisodes,
    ppoBatch, ppoMiniBatches, ppoEpochs, ppoRate, klCoefficient, klTarget, klHorizon, klEstimator, clipRange,
    clipRangeValue, valueCoefficient, valueModel, gamma, lambda, ptxCoefficient, ptxRatio, temperature,
    responseLength, missingEndPenalty, missingEnd, shortestResponse, rewardClip, whitenRewards,
    averageDecay, importanceCap, largestUpdateKL, rolloutCorrection,
    evaluationPrompts, evaluationSamples, evaluationDocuments,
  ]
}
