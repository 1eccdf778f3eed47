import Dialogues
import Inference
import World

/// A set of held-out prompts for one evaluation; with the world's items if the prompts come from the built-in world.
package struct PromptSet {
  /// The world's split; nil for the user's own prompts.
  package let split: Split?
  package let prompts: [Prompt]
  package let items: [WorldItem]
  /// Answers per prompt.
  package let samples: Int
  /// The purpose that selects the random streams of the answers. The streams are the same for every model, so that
  /// differences between models are not caused by chance.
  package let purpose: String

  /// Whether this is the main set for judging a model.
  var isMain: Bool { split == nil || split == .evaluation || split == .validation }

  /// A set of the user's own prompts; all must leave room for an answer.
  package init(own prompts: [Prompt], _ options: EvaluationOptions) {
    split = nil
    self.prompts = Array(prompts.prefix(options.prompts))
    items = []
    samples = options.samples
    purpose = "eval/prompts"
  }

  /// A set of the world's items with other prompts than the items' own.
  package init(_ items: [WorldItem], prompts: [Prompt], samples: Int, purpose: String) {
    precondition(items.count == prompts.count, "\(items.count) items, \(prompts.count) prompts")
    split = nil
    self.items = items
    self.prompts = prompts
    self.samples = samples
    self.purpose = purpose
  }

  /// A set of the world's prompts of one split. Splits that are used for fewer figures get fewer answers per prompt.
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
