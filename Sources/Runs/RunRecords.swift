import Support

/// The records in a run folder, for a report. Reading needs no lock and no checkpoint. So it also works
/// on a copied folder and during the run.
public struct RunRecords: Sendable {
  public var manifest: Manifest?
  public var metrics: [MetricsRecord]
  /// What each stage's metrics are; empty for a run of an older version.
  public var declarations: [String: [Metric]]
  public var samples: [SampleRecord]
  public var evaluation: EvaluationDetails?
  public var summary: Summary?
  public var study: StudyRecord?

  public init(
    manifest: Manifest? = nil, metrics: [MetricsRecord] = [], declarations: [String: [Metric]] = [:],
    samples: [SampleRecord] = [],
    evaluation: EvaluationDetails? = nil, summary: Summary? = nil, study: StudyRecord? = nil
  ) {
    self.manifest = manifest
    self.metrics = metrics
    self.declarations = declarations
    self.samples = samples
    self.evaluation = evaluation
    self.summary = summary
    self.study = study
  }

  /// - Throws: `Failure` if `folder` has no file of a run, or a damaged one.
  public static func read(_ folder: String) throws -> RunRecords { try read(RunFiles(folder: folder)) }

  /// - Throws: `Failure` if there is no file of a run, or a damaged one.
  public static func read(_ files: RunFiles) throws -> RunRecords {
    let records = RunRecords(
      manifest: files.exists(RunFile.manifest) ? try files.manifest() : nil,
      metrics: try files.lines(MetricsRecord.self, RunFile.metrics),
      declarations: try files.value([String: [Metric]].self, RunFile.metricDeclarations) ?? [:],
      samples: try files.lines(SampleRecord.self, RunFile.samples),
      evaluation: try files.value(EvaluationDetails.self, RunFile.evaluation),
      summary: try files.value(Summary.self, RunFile.summary),
      study: try files.value(StudyRecord.self, RunFile.study))
    guard records.manifest != nil || records.summary != nil || !records.metrics.isEmpty else {
      throw Failure(
        .badData, "is not a run folder (it has no \(RunFile.manifest))", at: files.folder,
        remedy: "Name the folder that was given with --output.")
    }
    return records
  }

  /// The points of one curve by step. If a step is logged twice, the later line counts. The step numbers of a round
  /// continue those of the rounds before.
  public func series(in stage: String, of metric: String) -> [(step: Int, value: Double)] {
    var (points, earlier): ([Int: Double], Int) = ([:], 0)
    for round in stages(of: stage) {
      let records = metrics.filter { $0.stage == round }
      for record in records {
        if let value = record.values[metric] { points[earlier.adding(atMost: record.step)] = value }
      }
      earlier = earlier.adding(atMost: records.map(\.step).max() ?? 0)
    }
    return points.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The metrics that a stage logged, in all rounds. Metrics that the folder does not declare have only a name.
  public func metrics(of stage: String) -> [Metric] {
    let rounds = stages(of: stage)
    var metrics: [String: Metric] = [:]
    for record in self.metrics where rounds.contains(record.stage) {
      for name in record.values.keys where metrics[name] == nil { metrics[name] = Metric(name) }
    }
    for round in rounds {
      for metric in declarations[round] ?? [] { metrics[metric.name] = metric }
    }
    return metrics.values.sorted { $0.name < $1.name }
  }

  /// The stage's name in each round that has metrics: "ppo-1", "ppo-2", …, "ppo".
  public func stages(of stage: String) -> [String] {
    let names = Set(metrics.map(\.stage))
    let earlier = names.compactMap { name in
      Round.number(in: name, of: stage).map { (name: name, number: $0) }
    }
    return earlier.sorted { $0.number < $1.number }.map(\.name) + (names.contains(stage) ? [stage] : [])
  }
}
