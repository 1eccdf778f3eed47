/// The looks at a policy while it learns, in the metrics log.
extension RunRecords {
  /// The keys of a look's figures.
  public static let probeMetrics = (gold: "eval/gold", proxy: "eval/proxy", kl: "eval/kl")

  /// The looks of a stage in all rounds, in the log's order. Steps that lack one of the figures are not looks.
  public func probes(of stage: String) -> [EvaluationDetails.ProxyGoldPoint] {
    let rounds = stages(of: stage)
    return metrics.compactMap { record in
      guard rounds.contains(record.stage), let gold = record.values[Self.probeMetrics.gold],
        let proxy = record.values[Self.probeMetrics.proxy], let kl = record.values[Self.probeMetrics.kl]
      else { return nil }
      return .init(stage: record.stage, step: record.step, kl: kl, proxy: proxy, gold: gold)
    }
  }
}
