import Runs
import Support

/// Decides which training checkpoints of a stage are kept: the newest, and the best by a held-out measure.
///
/// Without `--keep`, only the newest is kept, and the best if the stage's result is the best state; both are removed
/// when the stage ends. The best is not recorded in checkpoints but read from the metrics log, so a resumed run knows
/// it.
struct Retention {
  /// A metric on held-out data by which checkpoints are compared.
  struct Measure {
    let metric: Metric
    /// Whether the stage's result is the best state instead of the last.
    var decides = false
  }

  let context: StageContext
  let stage: String
  let measure: Measure?
  /// The best step so far and its value; of equal values the first.
  private(set) var best: (step: Int, value: Double)?

  /// - Parameter measure: nil for a stage without held-out data.
  init(_ context: StageContext, _ stage: Stage, by measure: Measure?) throws {
    self.context = context
    self.stage = context.name(stage)
    self.measure = context.keep == nil && measure?.decides != true ? nil : measure
    guard let measure = self.measure else { return }
    // Only steps whose checkpoint still exists count. But if the best state is the stage's result, all steps count, so
    // that another step cannot silently replace a best one whose checkpoint is missing.
    let steps = Set(try context.run.trainingCheckpoints(self.stage).map(\.step))
    let values = try context.metrics.values(measure.metric.name, of: self.stage)
    for (step, value) in values where measure.decides || steps.contains(step) { _ = note(step, value) }
  }

  /// Records the measure of a step, if the step has one.
  /// - Returns: whether the state after the step is the best so far, so that it must be saved.
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

  /// Removes the checkpoints that are not kept. Call only after the newest checkpoint is safely on the disk.
  func apply() throws {
    try context.run.retain(stage, keep: context.keep ?? 1, best: best?.step)
  }
}
