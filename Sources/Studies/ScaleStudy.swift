import Runs
import Stages
import Statistics

/// Aligns models of several sizes: does the small aligned model beat the larger unaligned one, as InstructGPT 1.3B beat
/// GPT-3 175B?
struct ScaleStudy: Study {
  let name = "scale"
  let question = "Does a small aligned model beat a larger unaligned one?"
  let seeds = 1
  let columns = [
    "model", "stage", "parameters", "gold", "honest", "harmless", "bits_per_byte",
    "win_rate_vs_largest_base", "win_rate_vs_largest_base_ties", "contests",
  ]

  /// Shapes as shares of the settings' shape, the largest first.
  private static let shares = [(1.0, "large"), (2.0 / 3, "medium"), (1.0 / 3, "small")]

  private static func settings(_ settings: Settings, _ share: Double) throws -> Settings {
    var settings = settings
    for parameter in [Parameter.layers, .heads] {
      try settings.set(parameter, max(1, (settings[parameter] * share).rounded()))
    }
    let width = settings[.dModel] * share / settings[.heads]
    try settings.set(.dModel, settings[.heads] * max(8, (width / 8).rounded() * 8))
    return settings
  }

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    var largest: StudyEvaluation?
    var data: PretrainData?
    return try Self.shares.flatMap { share, size in
      let settings = try Self.settings(laboratory.settings, share)
      let base = try laboratory.pretrain("base-\(size)", settings, &data)
      let sft = try laboratory.sft("sft-\(size)", settings, from: base)
      let rankings = try laboratory.rankings("rankings-\(size)", settings, of: sft)
      let reward = try laboratory.reward(
        "reward-\(size)", settings, from: sft, rankings.training, heldOut: rankings.heldOut)
      let policy = try laboratory.ppo("ppo-\(size)", settings, from: sft, reward: reward)
      return try [("base", base), ("sft", sft), ("ppo", policy.file)].map { stage, file in
        let examined = try laboratory.evaluate(
          "\(stage)-\(size)", model: file, splits: [.evaluation, .truthfulness, .harmlessness])
        largest = largest ?? examined
        let rate = examined.winRate(against: largest!)
        return StudyRow(
          ["model": size, "stage": stage],
          [
            "parameters": Double(try laboratory.open(file).file.layout.trunkCount),
            "gold": examined.gold(), "honest": examined.figures.honest,
            "harmless": examined.figures.harmless,
            "bits_per_byte": examined.figures.bitsPerByte,
            "win_rate_vs_largest_base": rate.mean, "win_rate_vs_largest_base_ties": rate.tieShare,
            "contests": Double(rate.comparisons),
          ])
      }
    }
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let sizes = rows.distinctLabels("model")
    func at(_ size: String, stage: String) -> StudyRows {
      rows.with(["model": size, "stage": stage])
    }
    guard let big = sizes.first, let small = sizes.last,
      let base = at(big, stage: "base").estimate("gold"), let aligned = at(small, stage: "ppo").estimate("gold"),
      let rate = at(small, stage: "ppo").estimate("win_rate_vs_largest_base"),
      let many = at(big, stage: "base").estimate("parameters"),
      let few = at(small, stage: "base").estimate("parameters"),
      let tuned = at(small, stage: "sft").estimate("gold")
    else { preconditionFailure("rows of a model are missing") }
    let beats = aligned.mean > base.mean && rate.mean > 0.5
    let golds = sizes.map { size in
      "\(size) " + ["base", "sft", "ppo"].map { at(size, stage: $0).estimate("gold")?.text(3) ?? "–" }
        .joined(separator: ", ")
    }
    let text = """
      Gold scores of base, SFT and PPO-ptx: \(golds.joined(separator: "; ")). The smallest aligned model, of \
      \(Wording.fixed(few.mean / 1e6, 2)) million parameters, \(beats ? "beats" : "does not beat") \
      the largest base, of \(Wording.fixed(many.mean / 1e6, 2)) million: by the rubric, its win rate is \
      \(rate.percent), with ties as half\(at(small, stage: "ppo").parts("win_rate_vs_largest_base")), \
      and its gold score is \
      \(Wording.fixed(aligned.mean, 3)) against \(Wording.fixed(base.mean, 3)). InstructGPT's 1.3B model was \
      preferred to GPT-3's 175B model, which is about a hundred times its size; here the largest model has \
      \(Wording.fixed(many.mean / few.mean, 0)) times the parameters, and SFT alone gives the smallest a gold score of \
      \(tuned.text(3)).
      """
    func dots(_ stage: String) -> [StudyRecord.Dot] {
      sizes.compactMap { size in
        at(size, stage: stage).estimate("gold").map { .init("\(size) \(stage)", $0) }
      }
    }
    return StudyFinding(
      text: text,
      figures: [
        .init(
          "win rate, smallest aligned against largest base", rate,
          published: "1.3B preferred to 175B (InstructGPT, figure 1)"),
        .init("gold, smallest aligned", aligned), .init("gold, largest base", base),
        .init("times as many parameters", many.mean / few.mean, published: "about 130"),
      ],
      charts: [
        .init(
          title: "Gold score", unit: "graded rubric, 0 to 1",
          dots: dots("base") + dots("sft") + dots("ppo")),
        .init(
          title: "Gold score by size", unit: "graded rubric, 0 to 1", xTitle: "million parameters",
          series: ["base", "sft", "ppo"].map { stage in
            .init(
              stage, rows.with(["stage": stage]), x: "parameters", y: "gold", scale: { $0 / 1e6 })
          }),
      ])
  }
}
