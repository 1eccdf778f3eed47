import Stages

/// Names (without dashes) of options that mean the same in different commands.
enum OptionSynonyms {
  private static let groups: [[String]] =
    [
      ["max-new-tokens", "response-length", "response", "new"],
      ["temperature", "rollout-temperature"],
      ["precision", "rollout-precision", "float32", "int8", "dtype"],
      ["samples", "completions-per-prompt", "eval-samples"],
      ["text", "pretraining-text"],
      ["batch", "batch-size", "ppo-batch-size"],
      ["num-mini-batches", "mini-batches"],
      ["num-ppo-epochs", "ppo-epochs", "epochs"],
      ["total-episodes", "episodes"],
      ["demonstrations-count", "sft-demonstrations"],
    ] + Parameter.all.filter { $0.name != $0.shortName }.map { [$0.name, $0.shortName] }

  /// The synonyms of `name`, in order and without duplicates.
  static func of(_ name: String) -> [String] {
    groups.filter { $0.contains(name) }.flatMap { $0 }.reduce(into: []) { names, other in
      if other != name, !names.contains(other) { names.append(other) }
    }
  }
}
