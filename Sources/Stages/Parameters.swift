import Evaluation
import Inference
import Training

/// Every hyper-parameter of the recipe. Defaults were chosen by measurement on the built-in world;
/// RECIPE's published values are for models a thousand times larger.
extension Parameter {
  // MARK: The model that `pretrain` makes

  public static let layers = count(
    .pretrain, "layers", 6, quick: 2, 1...200, "layers", "Transformer layers.")
  public static let dModel = count(
    .pretrain, "d-model", 192, quick: 64, 8...16_384, "units", "Width of the residual stream.")
  public static let heads = count(
    .pretrain, "heads", 6, quick: 2, 1...256, "heads", "Attention heads.")
  public static let vocabulary = count(
    .pretrain, "vocab", 2048, 260...1_000_000, "tokens", "Vocabulary of the tokenizer that is trained.")
  public static let context = count(
    .pretrain, "context", 128, 8...65_536, "tokens", "Longest sequence.")

  public static let pretrainSteps = count(
    .pretrain, "pretrain-steps", short: "steps", 24_000, quick: 40, 1...10_000_000, "updates",
    "Optimizer steps of pretraining.")
  public static let pretrainBatch = count(
    .pretrain, "pretrain-batch-size", short: "batch-size", 32, 1...65_536, "documents",
    "Documents an update.")
  public static let pretrainRate = real(
    .pretrain, "pretrain-learning-rate", short: "learning-rate", 3e-3, 0...1, "",
    "Peak learning rate; cosine to 10 %, warm-up over the first 5 %.")
  public static let pretrainDecay = real(
    .pretrain, "pretrain-weight-decay", short: "weight-decay", 0.1, 0...1, "",
    "AdamW weight decay of matrices.")

  // MARK: Supervised fine-tuning

  public static let sftDemonstrations = count(
    .sft, "sft-demonstrations", short: "demonstrations-count", 60, quick: 60, 1...10_000_000,
    "demonstrations", isOfWorld: true, "Demonstrations drawn from the built-in world.")
  public static let sftEpochs = count(
    .sft, "sft-epochs", short: "epochs", 16, quick: 16, 1...1000, "epochs",
    "Passes over the demonstrations.")
  public static let sftBatch = count(
    .sft, "sft-batch-size", short: "batch-size", 16, 1...65_536, "demonstrations",
    "Demonstrations an update.")
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
    "Residual dropout: the share of each sub-layer's output that a step leaves out.")

  // MARK: Comparisons

  public static let rankingPrompts = count(
    .rankings, "ranking-prompts", 16_000, quick: 1000, 1...10_000_000, "prompts",
    "Prompts whose answers are ranked, in all rounds together.")
  public static let completionsPerPrompt = count(
    .rankings, "completions-per-prompt", short: "samples", 6, quick: 4, 2...64, "answers",
    "K, answers sampled and ranked for each prompt.")
  public static let rounds = count(
    .rankings, "rounds", 1, 1...1000, "rounds",
    """
    Times that answers of the newest policy are ranked, the reward model is trained anew on all rankings \
    so far, and PPO goes on. --ranking-prompts and --total-episodes are split evenly over them, so that \
    several cost what one costs.
    """)

  public static let labelSelection = choice(
    .rankings, "label-selection", ["random", "disagreement"],
    """
    Which prompts a round after the first has ranked: the next ones, or of four times as many those on whose \
    answers --reward-heads disagree most.
    """)
  public static let rewardHeads = count(
    .rankings, "reward-heads", 1, 1...256, "heads",
    """
    Heads on the reward model's last layer, each with a random start and a bootstrap of the rankings of its \
    own, by which --label-selection disagreement chooses. The reward is the reward model's own.
    """)

  // MARK: Reward model

  public static let rewardEpochs = count(
    .reward, "reward-epochs", short: "epochs", 1, 0...1000, "epochs",
    "Passes over the comparisons; more than one overfits, 0 only normalises.")
  public static let rewardBatch = count(
    .reward, "reward-batch-size", short: "batch-size", 8, 1...65_536, "prompts",
    "Prompts an update, each with all its answers.")
  public static let rewardRate = real(
    .reward, "reward-learning-rate", short: "learning-rate", 3e-4, 0...1, "",
    "Peak learning rate; cosine to 10 %.")
  public static let rewardCentering = real(
    .reward, "center-rewards-coefficient", 0, 0...1, "",
    "Penalty on (r_w + r_l)², which keeps scores near 0.")

  // MARK: PPO

  public static let totalEpisodes = count(
    .ppo, "total-episodes", 14_336, quick: 2048, 1...1_000_000_000, "episodes",
    "Answers sampled and learnt from, in all rounds together.")
  public static let ppoBatch = count(
    .ppo, "ppo-batch-size", short: "batch-size", 256, quick: 64, 1...65_536, "episodes",
    "Episodes an iteration.")
  public static let ppoMiniBatches = count(
    .ppo, "num-mini-batches", 4, quick: 2, 1...1024, "minibatches", assign: { $0.miniBatches = $1 },
    "Parts of an iteration's episodes, one update each.")
  public static let ppoEpochs = count(
    .ppo, "num-ppo-epochs", aliases: ["epochs"], 1, 1...64, "epochs", assign: { $0.epochs = $1 },
    "Passes over an iteration's episodes.")
  public static let ppoRate = real(
    .ppo, "ppo-learning-rate", short: "learning-rate", 1e-4, 0...1, "",
    "Learning rate of policy and value; constant after 10 iterations of warm-up from a tenth.")
  public static let klCoefficient = real(
    .ppo, "kl-coef", 0.02, 0...100, "reward per nat", assign: { $0.klCoefficient = $1 }, "β, the price of leaving the SFT model.")
  public static let klTarget = real(
    .ppo, "kl-target", 0, 0...1000, "nats an episode",
    assign: { if $1 > 0 { $0.adaptiveKL = .init(kl: $1, horizon: $0.adaptiveKL?.horizon ?? 10_000) } },
    "Adapts β towards this KL; 0 keeps β fixed.")
  public static let klEstimator = choice(
    .ppo, "kl-estimator", KLEstimator.allCases.map(\.rawValue),
    assign: { $0.klEstimator = KLEstimator(rawValue: $1)! },
    "What a token's reward is lowered by, times β: k1, k2 or k3 of its log-probabilities.")
  public static let klHorizon = real(
    .ppo, "kl-horizon", 10_000, 1...1e9, "episodes", assign: { $0.adaptiveKL?.horizon = $1 }, "Horizon of an adaptive β.")
  public static let clipRange = real(
    .ppo, "cliprange", 0.2, 1e-6...10, "", assign: { $0.clipRange = $1 }, "ε of the clipped ratio.")
  public static let clipRangeValue = real(
    .ppo, "cliprange-value", 0.2, 1e-6...1e6, "reward", assign: { $0.clipRangeValue = $1 }, "ε of the clipped value.")
  public static let valueCoefficient = real(
    .ppo, "vf-coef", 0.1, 0...1000, "", assign: { $0.valueCoefficient = $1 }, "Weight of the value loss.")
  public static let valueModel = choice(
    .ppo, "value-model", ValueModel.allCases.map(\.rawValue), isRecordedAtDefault: false,
    assign: { $0.valueModel = ValueModel(rawValue: $1)! },
    "A value model of its own, from the reward model; or a head on the policy's own trunk, in less memory.")
  public static let gamma = real(.ppo, "gamma", 1, 0...1, "", assign: { $0.gamma = $1 }, "Discount a token.")
  public static let lambda = real(
    .ppo, "lam", 0.95, 0...1, "", assign: { $0.lambda = $1 }, "λ of the advantages.")
  public static let ptxCoefficient = real(
    .ppo, "ptx-coef", 0.5, 0...1000, "", assign: { $0.pretrainingCoefficient = $1 },
    "γ_ptx, weight of the pretraining loss; 0 for plain PPO.")
  public static let ptxRatio = real(
    .ppo, "ptx-ratio", 0.5, 0...64, "documents per episode", "Pretraining documents an episode.")
  public static let temperature = real(
    .ppo, "rollout-temperature", configurationAlias: "temperature", 1, 1e-3...100, "",
    assign: { $0.temperature = Float($1) },
    "Temperature of rollouts; it divides the logits in every log-probability.")
  public static let responseLength = count(
    .ppo, "response-length", 40, 1...65_536, "tokens", "Longest answer.")
  public static let missingEndPenalty = real(
    .ppo, "missing-eos-penalty", 1, 0...1e6, "reward", assign: { $0.missingEnd = .set(-Float($1)) },
    "An answer that does not end by itself scores minus this.")
  public static let missingEnd = choice(
    .ppo, "missing-eos", ["set", "subtract"],
    assign: { options, choice in
      if choice == "subtract", case .set(let penalty) = options.missingEnd {
        options.missingEnd = .subtract(-penalty)
      }
    },
    "Whether the penalty takes the place of the score, or is subtracted from it.")
  public static let shortestResponse = count(
    .ppo, "min-response-length", 0, 0...65_536, "tokens", assign: { $0.shortestResponse = $1 },
    "An answer that ends before is treated as one that does not end; 0 for none.")
  public static let rewardClip = real(
    .ppo, "reward-clip", 0, 0...1e6, "reward", assign: { $0.rewardClip = $1 > 0 ? Float($1) : nil },
    "Scores are clipped to ± this; 0 for no clipping.")
  public static let whitenRewards = flag(
    .ppo, "whiten-rewards", assign: { $0.whitenRewards = $1 }, "Whitens rewards before advantages.")
  public static let averageDecay = real(
    .ppo, "ema-decay", 0.98, quick: 0, 0...1, "", assign: { $0.averageDecay = $1 },
    "Decay an update of the moving average of the policy that is the result; 0 for the newest policy.")
  public static let importanceCap = real(
    .ppo, "importance-cap", 2, 1e-3...1e6, "", assign: { $0.importanceCap = $1 }, "C, cap of the int8 correction.")
  public static let largestUpdateKL = real(
    .ppo, "max-update-kl", 1, 1e-6...1000, "nats per token", isRecordedAtDefault: false,
    assign: { $0.largestKL = $1 },
    "Skips an update whose approximate KL to the policy before it reaches this.")
  public static let rolloutCorrection = choice(
    .ppo, "rollout-correction", ["truncated", "none"], isRecordedAtDefault: false,
    assign: { $0.correctsRollouts = $1 == "truncated" },
    "Whether int8 rollouts are corrected by truncated importance weights; none only to see what they do.")

  // MARK: Evaluation

  public static let evaluationPrompts = count(
    .eval, "eval-prompts", 250, quick: 100, 1...1_000_000, "prompts",
    "Held-out prompts of each evaluation set.")
  public static let evaluationSamples = count(
    .eval, "eval-samples", 4, quick: 2, 1...64, "answers", "Answers a prompt in evaluation.")
  public static let evaluationDocuments = count(
    .eval, "eval-documents", 400, quick: 60, 1...1_000_000, "documents",
    "Held-out documents for bits per byte.")

  /// All of them, by stage and in order of help. Where two set one field of PPO's options, the later one goes on
  /// from what the earlier one set.
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
