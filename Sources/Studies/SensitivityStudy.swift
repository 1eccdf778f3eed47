import Dialogues
import Evaluation
import Inference
import Statistics
import World

/// Measures how much a model's answers depend on the form of the prompt: paraphrased, with other white space, or after
/// a few answered examples (InstructGPT, section 4.1: PPO against GPT-3 plain and with few-shot prompts).
struct SensitivityStudy: Study {
  let name = "sensitivity"
  let question =
    "How much does an answer's grade depend on the wording of the question, and how much do few-shot examples help?"
  let seeds = 3
  let columns = [
    "model", "form", "prompts", "gold_plain", "gold", "moved", "changed", "ppo_win_rate", "ppo_win_rate_ties",
    "contests",
  ]

  private static let models = ["base", "sft", "ppo"]
  private static let paraphrase = "paraphrase"
  private static let fewShot = "few-shot"
  private static let examples = 2
  /// If two grades differ by more than this, the answer counts as changed.
  private static let step = 1.0 / 12

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let (sft, _, reward) = try laboratory.rewarded()
    let ppo = try laboratory.ppo("ppo", from: sft, reward: reward).file
    let files = [laboratory.base, sft, ppo]
    let world = laboratory.world
    let count = laboratory.settings.count(.evaluationPrompts)
    let items = (0..<count).map { world.item(.evaluation, $0) }
    var forms: [(name: String, prompts: [[Turn]?])] = [
      (Self.paraphrase, (0..<count).map { world.wordings(.evaluation, $0).dropFirst().first?.prompt }),
      (
        Self.fewShot,
        (0..<count).map { world.fewShotPrompt(.evaluation, $0, examples: Self.examples) }
      ),
    ]
    forms += PromptEdit.allCases.map { edit in
      (edit.rawValue, items.map { edit.applied(to: $0.prompt) })
    }
    // Temperature 0, so that only the prompt can change the answers.
    var plain: [String: [[GradedText]]] = [:]
    for (model, file) in zip(Self.models, files) {
      plain[model] = try laboratory.gradedAnswers(model, of: file, to: items, samples: 1, temperature: 0)
    }
    let best = plain[Self.models[2]]!
    return try zip(Self.models, files).flatMap { model, file in
      let asked = plain[model]!
      let own = row(model, form: "plain", plain: asked, edited: asked, ppo: best, laboratory)
      return try [own]
        + forms.map { form in
          let edited = try laboratory.gradedAnswers(
            "\(model)-\(form.name)", of: file, to: items,
            prompts: zip(form.prompts, items).map { Prompt(turns: $0 ?? $1.prompt) }, samples: 1, temperature: 0)
          // Prompts that the form does not change are not counted.
          let counted = zip(edited, form.prompts).map { $1 == nil ? [] : $0 }
          return row(model, form: form.name, plain: asked, edited: counted, ppo: best, laboratory)
        }
    }
  }

  private func row(
    _ model: String, form: String, plain: [[GradedText]], edited: [[GradedText]], ppo: [[GradedText]],
    _ laboratory: Laboratory
  ) -> StudyRow {
    let pairs = zip(plain, edited).flatMap { Array(zip($0, $1)) }.map { ($0.gold, $1.gold) }
    let rate = StudyEvaluation.winRate(ppo.grades, against: edited.grades)
    return StudyRow(
      ["model": model, "form": form],
      [
        "prompts": Double(pairs.count), "gold_plain": pairs.map(\.0).mean,
        "gold": pairs.map(\.1).mean, "moved": pairs.map { abs($0.1 - $0.0) }.mean,
        "changed": pairs.map { abs($0.1 - $0.0) > Self.step ? 1 : 0 }.mean,
        "ppo_win_rate": rate.mean, "ppo_win_rate_ties": rate.tieShare,
        "contests": Double(rate.comparisons),
      ])
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    func at(_ model: String, form: String) -> StudyRows { rows.with(["model": model, "form": form]) }
    let changed = Self.models.compactMap { model in
      at(model, form: Self.paraphrase).estimate("changed").map { (model, $0) }
    }
    let spaces = PromptEdit.allCases.compactMap { edit in
      at("ppo", form: edit.rawValue).estimate("changed").map { (edit.rawValue, $0) }
    }
    let gains = Self.models.compactMap { model in
      at(model, form: Self.fewShot).gap("gold", to: "gold_plain").map { (model, $0) }
    }
    let plain = at("base", form: "plain").estimate("ppo_win_rate")
    let few = at("base", form: Self.fewShot).estimate("ppo_win_rate")
    let agrees = few.map { few in few.mean > 0.5 && (plain?.mean ?? 0) > few.mean } ?? false
    let list = { (figures: [(String, Estimate)], rows: (String) -> StudyRows) in
      figures.map { "\($0.0) \($0.1.percent)\(rows($0.0).sized("prompts", unit: "prompts"))" }
        .joined(separator: ", ")
    }
    let text = """
      A paraphrase changes the answer's grade by more than a twelfth for this share of prompts: \
      \(list(changed) { at($0, form: Self.paraphrase) }). Edits of white space change PPO's grade: \
      \(list(spaces) { at("ppo", form: $0) }). \(Self.examples) answered \
      examples before the question change the mean grade by \
      \(gains.map { "\($0.1.text(3)) (\($0.0))" }.joined(separator: ", ")). The win rate of PPO without examples is \
      \(plain.percent) against the plain base, with ties as half\(at("base", form: "plain").parts("ppo_win_rate")), \
      and \(few.percent) against the base with \
      examples\(at("base", form: Self.fewShot).parts("ppo_win_rate")); InstructGPT has \
      85 ± 3 % and 71 ± 4 % against GPT-3 175B, and the order is \(agrees ? "the same" : "not the same") here.
      """
    return StudyFinding(
      text: text,
      figures: changed.map { .init("grades changed by paraphrase, \($0.0)", $0.1) }
        + spaces.map { .init("grades changed by \($0.0), ppo", $0.1) }
        + gains.map { .init("gold, few-shot less plain, \($0.0)", $0.1) } + [
          .init(
            "win rate of ppo, base plain", plain,
            published: "85 ± 3 % against GPT-3 175B (InstructGPT, 4.1)"),
          .init(
            "win rate of ppo, base few-shot", few,
            published: "71 ± 4 % against few-shot GPT-3 175B (InstructGPT, 4.1)"),
        ],
      charts: Self.models.map { model in
        .dots(
          "Grades that change: \(model)", unit: "share of prompts",
          StudyRows(rows.with(["model": model]).rows.filter { $0.labels["form"] != "plain" }),
          by: "form", column: "changed")
      } + [
        .dots(
          "Gold score, plain", unit: "graded rubric, 0 to 1", rows.with(["form": "plain"]), by: "model",
          column: "gold"),
        .dots(
          "Gold score, few-shot", unit: "graded rubric, 0 to 1", rows.with(["form": Self.fewShot]),
          by: "model", column: "gold"),
      ])
  }
}
