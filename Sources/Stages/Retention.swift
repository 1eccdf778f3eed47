import Runs

/// Which training checkpoints of a stage stay: the newest, and the best by a held-out measure.
///
/// Without `--keep` only the newest stays, and the best where the stage leaves that; they go when the stage
/// ends. Nothing of this enters a checkpoint; the best is known from the metrics log, so that a resumed run goes on with it.
struct Retention {
  /// A metric on held-out data by which one checkpoint is better than another.
  struct Measure {
    let metric: Metric
    /// Whether the stage leaves the best state, and not its last.
    var decides = false
  }

  let context: StageContext
  let stage: String
  let measure: Measure?
  /// The first of the best.
  private(set) var best: (step: Int, value: Double)?

  /// - Parameter measure: nil for a stage that holds nothing out.
  init(_ context: StageContext, _ stage: Stage, by measure: Measure?) throws {
    self.context = context
    self.stage = context.name(stage)
    self.measure = context.keep == nil && measure?.decides != true ? nil : measure
    guard let measure = self.measure else { return }
    // Of what was measured only that counts which still has its checkpoint; where the best is what the
    // stage leaves, another must not take its place unnoticed.
    let steps = Set(try context.run.trainingCheckpoints(self.stage).map(\.step))
    let values = try context.metrics.values(measure.metric.name, of: self.stage)
    for (step, value) in values where measure.decides || steps.contains(step) { _ = note(step, value) }
  }

  /// Takes note of what a step measured, if it did.
  /// - Returns: whether the state after it is the best so far, and must be saved.
  mutating func isBest(_ step: Int, _ metrics: [Metric: Double]) -> Bool {
    guard let measure, let value = metrics[measure.metric] else { return false }
    return note(step, value)
  }

  private mutating func note(_ step: Int, _ value: Double) -> Bool {
    guard let measure, value.isFinite else { return false }
    if let best, !measure.metric.isBetter(value, than: best.value) { return false }
    best = (step, value)
    return true
  }

  /// Removes what need not stay. Only after the newest checkpoint is durable.
  func apply() throws {
    try context.run.retain(stage, keep: context.keep ?? 1, best: best?.step)
  }
}
