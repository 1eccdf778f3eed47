import Dialogues
import Inference
import World

/// Held-out prompts that a model is asked together; with items where the built-in world asks.
package struct PromptSet {
  /// nil for prompts of the user's own.
  package let split: Split?
  package let prompts: [Prompt]
  package let items: [WorldItem]
  /// Answers a prompt.
  package let samples: Int
  /// What the random streams of its answers are called. They are the same for every model:
  /// differences between models are not luck.
  package let purpose: String

  /// Whether it is the set that a model is above all judged by.
  var isMain: Bool { split == nil || split == .evaluation || split == .validation }

  /// The user's own prompts, all of which leave room for an answer.
  package init(own prompts: [Prompt], _ options: EvaluationOptions) {
    split = nil
    self.prompts = Array(prompts.prefix(options.prompts))
    items = []
    samples = options.samples
    purpose = "eval/prompts"
  }

  /// Items of the world, asked with prompts of one's own making.
  package init(_ items: [WorldItem], prompts: [Prompt], samples: Int, purpose: String) {
    precondition(items.count == prompts.count, "\(items.count) items, \(prompts.count) prompts")
    split = nil
    self.items = items
    self.prompts = prompts
    self.samples = samples
    self.purpose = purpose
  }

  /// The world's prompts of one split; the fewer figures rest on it, the fewer answers it gets.
  package init(_ split: Split, of world: World, _ options: EvaluationOptions) {
    self.split = split
    items = (0..<options.prompts).map { world.item(split, $0) }
    prompts = items.map { Prompt(turns: $0.prompt) }
    let most = options.samples
    samples =
      switch split {
      case .evaluation, .validation: most
      case .heldOutCategory: 1
      default: max(1, most / 2)
      }
    purpose = "eval/\(split.rawValue)"
  }
}
