import Runs
import Statistics

/// Measures what alignment costs in language modelling, and whether pretraining text in PPO's mix or a larger KL
/// coefficient reduces that cost (InstructGPT, sections 3.5 and 4.2, appendix E.6 and figures 33 and 34).
struct TaxStudy: Study {
  let name = "ptx"
  let question =
    "What does alignment cost in language modelling, and does a pretraining mix or a higher β reduce that cost?"
  let seeds = 3
  let columns = [
    "arm", "gamma", "beta", "bits_per_byte", "tax", "gold", "proxy", "kl", "win_rate_vs_sft",
    "mean_tokens",
  ]

  /// Factor on β for the arm that tries a larger KL coefficient instead of the mix.
  private static let highPrice = 10.0

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let base = try laboratory.evaluate("base", model: laboratory.base)
    let (sft, _, reward) = try laboratory.rewarded()
    let before = try laboratory.evaluate("sft", model: sft, reward: reward, reference: sft)
    var rows = [
      row("base", model: base, base: base, sft: before, laboratory),
      row("sft", model: before, base: base, sft: before, laboratory),
    ]
    let (mix, price) = (laboratory.settings[.ptxCoefficient], laboratory.settings[.klCoefficient])
    for (arm, gamma, beta) in [
      ("ppo", 0, price), ("ppo-ptx", mix, price), ("ppo-high-beta", 0, price * Self.highPrice),
    ] {
      var settings = laboratory.settings
      try settings.set(.ptxCoefficient, gamma)
      try settings.set(.klCoefficient, beta)
      let policy = try laboratory.ppo(arm, settings, from: sft, reward: reward)
      let after = try laboratory.evaluate(arm, model: policy.file, reward: reward, reference: sft)
      rows.append(row(arm, model: after, base: base, sft: before, laboratory, gamma: gamma, beta: beta))
    }
    return rows
  }

  private func row(
    _ arm: String, model: StudyEvaluation, base: StudyEvaluation, sft: StudyEvaluation,
    _ laboratory: Laboratory, gamma: Double? = nil, beta: Double? = nil
  ) -> StudyRow {
    let figures = model.figures
    let tax = figures.bitsPerByte.flatMap { bits in base.figures.bitsPerByte.map { bits - $0 } }
    return StudyRow(
      ["arm": arm],
      [
        "gamma": gamma, "beta": beta, "bits_per_byte": figures.bitsPerByte, "tax": tax,
        "gold": model.gold(), "proxy": figures.proxyReward, "kl": figures.kl,
        "win_rate_vs_sft": model.winRate(against: sft).mean,
        "mean_tokens": figures.meanTokens,
      ])
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    func arm(_ name: String) -> StudyRows { rows.with(["arm": name]) }
    let (plain, mixed, held) = (arm("ppo"), arm("ppo-ptx"), arm("ppo-high-beta"))
    guard let plainTax = plain.estimate("tax"), let mixedTax = mixed.estimate("tax"),
      let heldTax = held.estimate("tax"), let sftTax = arm("sft").estimate("tax"),
      let gain = mixed.difference("gold", to: plain), let loss = held.difference("gold", to: plain),
      let saved = plain.difference("tax", to: mixed)
    else { preconditionFailure("rows of an arm are missing") }
    // The share is undefined if PPO has no tax.
    let share = plainTax.mean > 0 ? mixedTax.mean / plainTax.mean : nil
    let verdict =
      saved.low == nil
      ? "one seed cannot show whether the mix does the same here"
      : saved.isClear && (share ?? 1) <= 0.5 && !(gain.isClear && gain.mean < 0)
        ? "the mix does the same here" : "the mix does not do the same here"
    let text = """
      On held-out pretraining text SFT costs \(sftTax.text(4)) bits per byte over the base, PPO without a \
      pretraining mix \(plainTax.text(4)), PPO-ptx \(mixedTax.text(4)): \
      \(share.map { "\(Wording.fixed(100 * $0, 0)) % of the tax, " } ?? "")\(saved.text(4)) saved. \
      PPO-ptx's gold score differs from \
      plain PPO's by \(gain.text(3)). With ten times the β instead of the mix, the tax is \
      \(heldTax.text(4)) and the gold score changes by \(loss.text(3)). InstructGPT found that the mix mitigates the \
      regressions at little cost in reward, and that a higher β alone does not, even at a hundred times the \
      default, and also costs reward; \(verdict).
      """
    return StudyFinding(
      text: text,
      figures: [
        .init(
          "tax of PPO-ptx over tax of PPO", share,
          published: "mitigated on most tasks (InstructGPT, figure 29)"),
        .init("tax of SFT", sftTax), .init("tax of PPO", plainTax), .init("tax of PPO-ptx", mixedTax),
        .init("tax of PPO at high β", heldTax), .init("gold, PPO-ptx less PPO", gain),
        .init("gold, high β less PPO", loss),
      ],
      charts: [
        .dots("Alignment tax", unit: "bits per byte over the base", rows, by: "arm", column: "tax"),
        .dots("Gold score", unit: "graded rubric, 0 to 1", rows, by: "arm", column: "gold"),
        .dots("KL", unit: "from SFT, nats an answer", rows, by: "arm", column: "kl"),
      ])
  }
}
