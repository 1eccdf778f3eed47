import Inference
import Runs
import Support
import Training

/// The loop over a stage's steps, with progress, metrics, training checkpoints and interruption.
///
/// The clock decides when training checkpoints are written. This does not change the result: a step depends only on
/// the state before it, whether that state was in memory or in a file.
struct TrainingLoop {
  let context: StageContext
  let stage: Stage
  let total: Int
  /// The metrics that the progress line shows.
  let shown: [(metric: Metric, label: String, decimals: Int)]
  /// The measure by which training checkpoints are compared.
  var measure: Retention.Measure?

  private var name: String { context.name(stage) }

  /// Continues from the newest training checkpoint if there is one.
  /// - Parameters:
  ///   - snapshot: the models. If a step fails after it has updated them, they must not be saved.
  ///   - restore: reads a training checkpoint into the models.
  ///   - save: writes a training checkpoint.
  ///   - step: takes a step, numbered from 0, and returns its metrics.
  /// - Returns: if the measure decides, the best step and its value; the models are then in the state after that step.
  ///   Else nil; the models are in the state after the last step.
  @discardableResult
  func run(
    _ snapshot: Snapshot,
    restore: (String) throws -> StageState,
    save: (StageState, String) throws -> Void,
    step: (Int) throws -> [Metric: Double]
  ) throws -> (step: Int, value: Double)? {
    var state = StageState()
    if let latest = try context.run.trainingCheckpoints(name).first {
      state = try restore(latest.path)
    }
    try context.metrics.truncate(stage: name, afterStep: state.step)
    var retention = try Retention(context, stage, by: measure)
    let progress = context.progress(name, total, state.step)
    func keep(_ state: StageState) throws {
      try context.metrics.synchronize()
      try save(state, context.run.trainingCheckpoint(name, step: state.step).path)
      try retention.apply()
    }
    var lastSave = Clock.monotonic()
    while state.step < total {
      if context.isInterrupted() {
        try keep(state)
        progress.finish()
        throw context.interrupted()
      }
      let metrics: [Metric: Double]
      let updates = snapshot.updates
      do {
        metrics = try step(state.step)
      } catch var failure as Failure where failure.kind == .failed {
        let place = "\(name), step \(state.step + 1)"
        failure.place = failure.place.map { "\(place), \($0)" } ?? place
        // Saves the state before the failed step. If that fails too, the step's own error is the one to report.
        if state.step > 0 && snapshot.updates == updates && snapshot.isFinite { try? keep(state) }
        if let note = whatIsKept(after: state.step) {
          failure.remedy = (failure.remedy.map { "\($0) " } ?? "") + note
        }
        throw failure
      }
      state.step += 1
      try context.metrics.append(
        stage: name, step: state.step,
        metrics.sorted { $0.key.name < $1.key.name }.map { ($0.key, $0.value) })
      progress.update(step: state.step, figures(metrics))
      let isDue = Clock.monotonic() - lastSave >= context.saveInterval && state.step < total
      if retention.isBest(state.step, metrics) || isDue {
        try keep(state)
        lastSave = Clock.monotonic()
      }
    }
    progress.finish()
    try context.metrics.synchronize()
    guard measure?.decides == true, let best = retention.best else { return nil }
    try takeBest(context.run.trainingCheckpoint(name, step: best.step).path, restore)
    return best
  }

  private func takeBest(_ path: String, _ restore: (String) throws -> StageState) throws {
    do { _ = try restore(path) } catch var failure as Failure
    where failure.kind == .badData || failure.kind == .inputOutput {
      // If only this file were removed, the stage would choose another epoch as the best.
      failure.remedy =
        "Remove every \(name)-*.training.trlhf of this folder, so that the stage begins again."
      throw failure
    }
  }

  /// A sentence that says where the last good state is saved; nil if nothing was learnt.
  private func whatIsKept(after step: Int) -> String? {
    guard step > 0 else { return nil }
    guard let latest = try? context.run.trainingCheckpoints(name).first else {
      return "No state of this stage has been saved yet."
    }
    return latest.step == step
      ? "The state is saved in \(latest.path)."
      : "The last saved state is after step \(latest.step), in \(latest.path)."
  }

  /// Trains one model, and measures on held-out data at intervals.
  ///
  /// - Parameters:
  ///   - draft: the draft of the training checkpoints.
  ///   - interval: number of steps between measurements on held-out data; there is always one after the last step.
  ///   - step: takes a step with a learning rate and returns its metrics.
  ///   - validate: returns the metrics on held-out data.
  /// - Returns: like the other `run`.
  @discardableResult
  func run(
    _ model: TrainableModel, _ schedule: Schedule, _ draft: CheckpointDraft,
    validateEvery interval: Int, step: (Int, Double) throws -> [Metric: Double],
    validate: () -> [Metric: Double]
  ) throws -> (step: Int, value: Double)? {
    let snapshot = Snapshot(models: [(.policy, model)], threads: context.threads)
    return try run(
      snapshot, restore: { try snapshot.restore(from: $0, as: draft) },
      save: { state, path in try snapshot.write(draft, state: state, to: path) },
      step: { number in
        let rate = Double(schedule.learningRate(step: number, total: total))
        var metrics = try step(number, rate)
        metrics[.learningRate] = rate
        if number % interval == interval - 1 || number == total - 1 {
          metrics.merge(validate()) { _, new in new }
        }
        return metrics
      })
  }

  private func figures(_ metrics: [Metric: Double]) -> [Progress.Figure] {
    shown.compactMap { figure in
      metrics[figure.metric].map { (figure.label, Formatting.fixed($0, figure.decimals)) }
    }
  }
}
