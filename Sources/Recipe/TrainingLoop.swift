import Runs
import Support
import Training

/// The loop around a stage's steps: progress, metrics, training checkpoints, interruption.
///
/// Training checkpoints are written by the clock, which changes no byte of the result: a step
/// depends on the state before it alone, whether that state was in memory or in a file.
struct TrainingLoop {
  let context: StageContext
  let stage: Stage
  let total: Int
  /// Names of the metrics that the progress line shows.
  let shown: [(metric: String, label: String, decimals: Int)]

  /// Continues from the newest training checkpoint if there is one.
  /// - Parameters:
  ///   - restore: reads a training checkpoint into the models.
  ///   - save: writes one.
  ///   - step: takes a step, numbered from 0, and returns its metrics.
  func run(
    restore: (String) throws -> StageState,
    save: (StageState, String) throws -> Void,
    step: (Int) throws -> [String: Double]
  ) throws {
    var state = StageState()
    if let latest = try context.run.trainingCheckpoints(stage.rawValue).first {
      state = try restore(latest.path)
    }
    try context.metrics.truncate(stage: stage.rawValue, afterStep: state.step)
    let progress = context.progress(stage.rawValue, total, state.step)
    func keep(_ state: StageState) throws {
      try context.metrics.synchronize()
      try save(state, context.run.trainingCheckpoint(stage.rawValue, step: state.step).path)
      try context.run.retain(stage.rawValue, keep: context.keep)
    }
    var lastSave = Clock.monotonic()
    while state.step < total {
      if context.isInterrupted() {
        try keep(state)
        progress.finish()
        throw context.interrupted()
      }
      let metrics: [String: Double]
      do {
        metrics = try step(state.step)
      } catch var failure as Failure where failure.kind == .failed && state.step > 0 {
        // What was learnt until here is worth keeping; failing to keep it is the lesser news.
        guard (try? keep(state)) != nil else { throw failure }
        let path = context.run.trainingCheckpoint(stage.rawValue, step: state.step).path
        failure.remedy = (failure.remedy.map { "\($0) " } ?? "") + "The state is saved in \(path)."
        throw failure
      }
      state.step += 1
      try context.metrics.append(
        stage: stage.rawValue, step: state.step,
        metrics.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
      progress.update(step: state.step, figures(metrics))
      if Clock.monotonic() - lastSave >= context.saveInterval && state.step < total {
        try keep(state)
        lastSave = Clock.monotonic()
      }
    }
    progress.finish()
    try context.metrics.synchronize()
  }

  /// Trains one model, and looks at held-out data now and then.
  ///
  /// - Parameters:
  ///   - draft: of the training checkpoints.
  ///   - interval: steps from one look to the next; the last step is followed by one.
  ///   - step: takes a step at a learning rate and returns its metrics.
  ///   - validate: the metrics on held-out data.
  func run(
    _ model: TrainableModel, _ schedule: Schedule, _ draft: CheckpointDraft,
    validateEvery interval: Int, step: (Int, Double) throws -> [String: Double],
    validate: () -> [String: Double]
  ) throws {
    let snapshot = Snapshot(models: [(.policy, model)], threads: context.threads)
    try run(
      restore: snapshot.restore,
      save: { state, path in try snapshot.write(draft, state: state, to: path) },
      step: { number in
        let rate = Double(schedule.learningRate(step: number, total: total))
        var metrics = try step(number, rate)
        metrics["lr"] = rate
        if number % interval == interval - 1 || number == total - 1 {
          metrics.merge(validate()) { _, new in new }
        }
        return metrics
      })
  }

  private func figures(_ metrics: [String: Double]) -> [Progress.Figure] {
    shown.compactMap { figure in
      metrics[figure.metric].map { (figure.label, Formatting.fixed($0, figure.decimals)) }
    }
  }
}
