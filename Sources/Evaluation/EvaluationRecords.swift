import Dialogues
import Inference
import Runs
import Statistics
import World

/// The details of an evaluation that the report shows in addition to the summary's figures.
package struct EvaluationRecords {
  /// Each model's answers to the same sets, in display order of the models.
  package let models: [(name: String, sets: [GradedAnswers])]

  package init(models: [(name: String, sets: [GradedAnswers])]) { self.models = models }

  /// Number of prompts of each set that are shown.
  private static let shown = 40

  /// Lines of `samples.jsonl`: each model's first answer to the first prompts of each set.
  package var samples: [SampleRecord] {
    guard let sets = models.first?.sets.map(\.set) else { return [] }
    return sets.enumerated().flatMap { number, set in
      set.prompts.indices.prefix(Self.shown).map { index in
        SampleRecord(
          prompt: set.prompts[index].turns.map { .init(role: $0.role.rawValue, content: $0.content) },
          category: set.items.isEmpty ? nil : set.items[index].category.rawValue,
          answers: models.compactMap { model in
            model.sets[number].byPrompt[index].first.map { Self.record(model.name, $0) }
          })
      }
    }
  }

  private static func record(_ name: String, _ graded: GradedAnswer) -> SampleRecord.Answer {
    SampleRecord.Answer(
      model: name, text: graded.answer.text, gold: graded.grade?.gold,
      helpful: graded.grade?.helpful, honest: graded.grade?.honest,
      harmless: graded.grade?.harmless, ended: graded.answer.sample.finish == .stop)
  }

  /// Gold score of each model in each use category.
  package var categories: [EvaluationDetails.CategoryScore] {
    models.flatMap { name, sets in
      let graded = sets
        .filter { $0.set.split == .evaluation || $0.set.split == .heldOutCategory }
        .flatMap { zip($0.set.items, $0.byPrompt) }
      return Category.allCases.compactMap { category in
        let golds = graded.filter { $0.0.category == category }
          .flatMap { $0.1.compactMap(\.grade?.gold) }
        return golds.mean.map {
          EvaluationDetails.CategoryScore(
            model: name, category: category.rawValue, gold: $0, n: golds.count)
        }
      }
    }
  }
}
