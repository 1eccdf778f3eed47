import Evaluation
import Inference
import Training

/// Every hyper-parameter of the recipe. The defaults were chosen by measurements on the built-in world; the published
/// values in RECIPE.md are for models a thousand times larger.
extension Parameter {
  // MARK: The model that `pretrain` makes

  public static let layers = count(
    .pretrain, "layers", 6, quick: 2, 1...200, "layers", "Transformer layers.")
  public static let dModel = count(
    .pretrain, "d-model", 192, quick: 64, 8...16_384, "units", "Width of the residual stream.")
  public static let heads = count(
    .pretrain, "heads", 6, quick: 2, 1...256, "heads", "Attention heads.")
  public static let vocabulary = count(
    .pretrain, "vocab", 2048, 260...1_000_000, "tokens", "Vocabulary size of the tokenizer.")
  public static let context = count(
    .pretrain, "context", 128, 8...65_536, "tokens", "Longest sequence.")

  public static let pretrainSteps = count(
    .pretrain, "pretrain-steps", short: "steps", 24_000, quick: 40, 1...10_000_000, "updates",
    "Optimizer steps of pretraining.")
  public static let pretrainBatch = count(
    .pretrain, "pretrain-batch-size", short: "batch-size", 32, 1...65_536, "documents",
    "Documents per update.")
  public static let pretrainRate = real(
    .pretrain, "pretrain-learning-rate", short: "learning-rate", 3e-3, 0...1, "",
    "Peak learning rate; cosine to 10 %, warm-up over the first 5 %.")
  public static let pretrainDecay = real(
    .pretrain, "pretrain-weight-decay", short: "weight-decay", 0.1, 0...1, "",
    "AdamW weight decay for matrices.")

  // MARK: Supervised fine-tuning

  public static let sftDemonstrations = count(
    .sft, "sft-demonstrations", short: "demonstrations-count", 60, quick: 60, 1...10_000_000,
    "demonstrations", isOfWorld: true, "Demonstrations drawn from the built-in world.")
  public static let sftEpochs = count(
    .sft, "sft-epochs", short: "epochs", 16, quick: 16, 1...1000, "epochs",
    "Passes over the demonstrations.")
  public static let sftBatch = count(
    .sft, "sft-batch-size", short: "batch-size", 16, 1...65_536, "demonstrations",
    "Demonstrations per update.")
  public static let sftRate = real(
    .sft, "sft-learning-rate", short: "learning-rate", 3e-4, 0...1, "",
    "Peak learning rate; cosine to 10 %.")

  public static let sftLoss = choice(
    .sft, "sft-loss", short: "loss", ["nll", "dft"], isRecordedAtDefault: false,
    """
    nll, the plain loss; or dft, dynamic fine-tuning, which weights each token's loss by the token's own \
    probability.
    """)
  public static let sftDropout = real(
    .sft, "sft-dropout", short: "dropout", 0, 0...0.9, "",
    "Residual dropout: the share of each sub-layer's output that is set to 0 in training.")

  // MARK: Comparisons

  public static let rankingPrompts = count(
    .rankings, "ranking-prompts", 16_000, quick: 1000, 1...10_000_000, "prompts",
    "Prompts whose answers are ranked, summed over all rounds.")
  public static let completionsPerPrompt = count(
    .rankings, "completions-per-prompt", short: "samples", 6, quick: 4, 2...64, "answers",
    "K: number of answers sampled and ranked for each prompt.")
  public static let rounds = count(
    .rankings, "rounds", 1, 1...1000, "rounds",
    """
    Rounds of ranking and PPO. Each ranks answers of the newest policy, trains a new reward model on all \
    rankings so far, and continues PPO. --ranking-prompts and --total-episodes are split evenly over the \
    rounds, so that several cost as much as one.
    """)

  public static let labelSelection = choice(
    .rankings, "label-selection", ["random", "disagreement"],
    """
    How rounds after the first choose the prompts to rank: random takes the next ones; disagreement takes, from \
    four times as many, those on whose answers --reward-heads disagree most.
    """)
  public static let rewardHeads = count(
    .rankings, "reward-heads", 1, 1...256, "heads",
    """
    Heads on the reward model's last layer for --label-selection disagreement, each with its own random start \
    and its own bootstrap sample of the rankings. They do not change the reward.
    """)

  // MARK: Reward model

  public static let rewardEpochs = count(
    .reward, "reward-epochs", short: "epochs", 1, 0...1000, "epochs",
    "Passes over the comparisons; more than one overfits, 0 only measures the normalisation.")
  public static let rewardBatch = count(
    .reward, "reward-batch-size", short: "batch-size", 8, 1...65_536, "prompts",
    "Prompts per update, each with all its answers.")
  public static let rewardRate = real(
    .reward, "reward-learning-rate", short: "learning-rate", 3e-4, 0...1, "",
    "Peak learning rate; cosine to 10 %.")
  public static let rewardCentering = real(
    .reward, "center-rewards-coefficient", 0, 0...1, "",
    "Penalty on (r_w + r_l)², which keeps scores near 0.")

  // MARK: PPO

  public static let totalEpisodes = count(
    .ppo, "total-episodes", 14_336, quick: 2048, 1...1_000_000_000, "episodes",
    "Answers sampled for training, summed over all rounds.")
  public static let ppoBatch = count(
    .ppo, "ppo-batch-size", short: "batch-size", 256, quick: 64, 1...65_536, "episodes",
    "Episodes per iteration.")
  public static let ppoMiniBatches = count(
    .ppo, "num-mini-batches", 4, quick: 2, 1...1024, "minibatches", assign: { $0.miniBatches = $1 },
    "Minibatches into which an iteration's episodes are split; each gives one update.")
  public static let ppoEpochs = count(
    .ppo, "num-ppo-epochs", aliases: ["epochs"], 1, 1...64, "epochs", assign: { $0.epochs = $1 },
    "Passes over an iteration's episodes.")
  public static let ppoRate = real(
    .ppo, "ppo-learning-rate", short: "learning-rate", 1e-4, 0...1, "",
    "Learning rate of policy and value; constant after 10 iterations of warm-up from a tenth.")
  public static let klCoefficient = real(
    .ppo, "kl-coef", 0.02, 0...100, "reward per nat", assign: { $0.klCoefficient = $1 },
    "β, coefficient of the penalty on KL from the SFT model.")
  public static let klTarget = real(
    .ppo, "kl-target", 0, 0...1000, "nats per episode",
    assign: { if $1 > 0 { $0.adaptiveKL = .init(kl: $1, horizon: $0.adaptiveKL?.horizon ?? 10_000) } },
    "Adapt β to reach this KL; 0 keeps β fixed.")
  public static let klEstimator = choice(
    .ppo, "kl-estimator", KLEstimator.allCases.map(\.rawValue),
    assign: { $0.klEstimator = KLEstimator(rawValue: $1)! },
    "Estimator of each token's KL; β times it is subtracted from the token's reward.")
  public static let klHorizon = real(
    .ppo, "kl-horizon", 10_000, 1...1e9, "episodes", assign: { $0.adaptiveKL?.horizon = $1 },
    "Horizon of the adaptive β (--kl-target).")
  public static let clipRange = real(
    .ppo, "cliprange", 0.2, 1e-6...10, "", assign: { $0.clipRange = $1 },
    "ε: the probability ratio is clipped to 1 ± this.")
  public static let clipRangeValue = real(
    .ppo, "cliprange-value", 0.2, 1e-6...1e6, "reward", assign: { $0.clipRangeValue = $1 },
    "ε: value changes are clipped to ± this in the value loss.")
  public static let valueCoefficient = real(
    .ppo, "vf-coef", 0.1, 0...1000, "", assign: { $0.valueCoefficient = $1 }, "Weight of the value loss.")
  public static let valueModel = choice(
    .ppo, "value-model", ValueModel.allCases.map(\.rawValue), isRecordedAtDefault: false,
    assign: { $0.valueModel = ValueModel(rawValue: $1)! },
    "A separate value model, which starts as the reward model; or a value head on the policy's trunk, to save memory.")
  public static let gamma = real(.ppo, "gamma", 1, 0...1, "", assign: { $0.gamma = $1 }, "Discount per token.")
  public static let lambda = real(
    .ppo, "lam", 0.95, 0...1, "", assign: { $0.lambda = $1 }, "λ of generalised advantage estimation.")
  public static let ptxCoefficient = real(
    .ppo, "ptx-coef", 0.5, 0...1000, "", assign: { $0.pretrainingCoefficient = $1 },
    "γ_ptx: weight of the pretraining loss; 0 for plain PPO.")
  public static let ptxRatio = real(
    .ppo, "ptx-ratio", 0.5, 0...64, "documents per episode", "Pretraining documents per episode.")
  public static let temperature = real(
    .ppo, "rollout-temperature", configurationAlias: "temperature", 1, 1e-3...100, "",
    assign: { $0.temperature = Float($1) },
    "Temperature of rollouts; all log-probabilities of PPO are at this temperature.")
  public static let responseLength = count(
    .ppo, "response-length", 40, 1...65_536, "tokens", "Longest answer.")
  public static let missingEndPenalty = real(
    .ppo, "missing-eos-penalty", 1, 0...1e6, "reward", assign: { $0.missingEnd = .set(-Float($1)) },
    "Penalty for an answer without an end token (see --missing-eos).")
  public static let missingEnd = choice(
    .ppo, "missing-eos", ["set", "subtract"],
    assign: { options, choice in
      if choice == "subtract", case .set(let penalty) = options.missingEnd {
        options.missingEnd = .subtract(-penalty)
      }
    },
    "Whether minus the penalty replaces the score, or the penalty is subtracted from it.")
  public static let shortestResponse = count(
    .ppo, "min-response-length", 0, 0...65_536, "tokens", assign: { $0.shortestResponse = $1 },
    "A shorter answer is treated as one without an end token; 0 for no minimum.")
  public static let rewardClip = real(
    .ppo, "reward-clip", 0, 0...1e6, "reward", assign: { $0.rewardClip = $1 > 0 ? Float($1) : nil },
    "Clip scores to ± this; 0 for no clipping.")
  public static let whitenRewards = flag(
    .ppo, "whiten-rewards", assign: { $0.whitenRewards = $1 }, "Whiten rewards before advantages are computed.")
  public static let averageDecay = real(
    .ppo, "ema-decay", 0.98, quick: 0, 0...1, "", assign: { $0.averageDecay = $1 },
    "Decay per update of the policy's moving average, which is the result; 0 for the last policy.")
  public static let importanceCap = real(
    .ppo, "importance-cap", 2, 1e-3...1e6, "", assign: { $0.importanceCap = $1 },
    "C: cap of the importance weights that correct int8 rollouts.")
  public static let largestUpdateKL = real(
    .ppo, "max-update-kl", 1, 1e-6...1000, "nats per token", isRecordedAtDefault: false,
    assign: { $0.largestKL = $1 },
    """
    Skip an update whose approximate KL to the policy that sampled the answers reaches this. It guards against \
    explosions: five iterations in a row with skipped updates end the run.
    """)
  public static let rolloutCorrection = choice(
    .ppo, "rollout-correction", ["truncated", "none"], isRecordedAtDefault: false,
    assign: { $0.correctsRollouts = $1 == "truncated" },
    "Whether int8 rollouts are corrected by truncated importance weights; none is for comparison only.")

  // MARK: Evaluation

  public static let evaluationPrompts = count(
    .eval, "eval-prompts", 250, quick: 100, 1...1_000_000, "prompts",
    "Held-out prompts per evaluation set.")
  public static let evaluationSamples = count(
    .eval, "eval-samples", 4, quick: 2, 1...64, "answers", "Answers per prompt in evaluation.")
  public static let evaluationDocuments = count(
    .eval, "eval-documents", 400, quick: 60, 1...1_000_000, "documents",
    "Held-out documents for bits per byte.")

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
