import Support

/// All that a run folder tells, for a report. Reading needs no lock and no checkpoint: a copied
/// folder is enough, and so is one in the middle of its run.
public struct RunRecords: Sendable {
  public var manifest: Manifest?
  public var metrics: [MetricsRecord]
  public var samples: [SampleRecord]
  public var evaluation: EvaluationDetails?
  public var summary: Summary?
  public var study: StudyRecord?

  public init(
    manifest: Manifest? = nil, metrics: [MetricsRecord] = [], samples: [SampleRecord] = [],
    evaluation: EvaluationDetails? = nil, summary: Summary? = nil, study: StudyRecord? = nil
  ) {
    self.manifest = manifest
    self.metrics = metrics
    self.samples = samples
    self.evaluation = evaluation
    self.summary = summary
    self.study = study
  }

  /// - Throws: `Failure` if `folder` holds none of a run's files, or a damaged one.
  public static func read(_ folder: String) throws -> RunRecords {
    let records = RunRecords(
      manifest: Files.exists("\(folder)/\(RunFile.manifest)") ? try manifest(in: folder) : nil,
      metrics: try lines(MetricsRecord.self, RunFile.metrics, in: folder),
      samples: try lines(SampleRecord.self, RunFile.samples, in: folder),
      evaluation: try value(EvaluationDetails.self, RunFile.evaluation, in: folder),
      summary: try value(Summary.self, RunFile.summary, in: folder),
      study: try value(StudyRecord.self, RunFile.study, in: folder))
    guard records.manifest != nil || records.summary != nil || !records.metrics.isEmpty else {
      throw Failure(
        .badData, "is not a run folder (it has no \(RunFile.manifest))", at: folder,
        remedy: "Name the folder that was given with --output.")
    }
    return records
  }

  /// The points of one curve by step; of a step logged twice the later line counts. Steps of a round
  /// are counted on from those of the rounds before.
  public func series(_ stage: String, _ metric: String) -> [(step: Int, value: Double)] {
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

  /// What a stage is called in each round that has metrics: "ppo-1", "ppo-2", …, "ppo".
  public func stages(of stage: String) -> [String] {
    let names = Set(metrics.map(\.stage))
    let earlier = names.compactMap { name in
      Round.number(in: name, of: stage).map { (name: name, number: $0) }
    }
    return earlier.sorted { $0.number < $1.number }.map(\.name) + (names.contains(stage) ? [stage] : [])
  }

  static func manifest(in folder: String) throws -> Manifest {
    let path = "\(folder)/\(RunFile.manifest)"
    struct Version: Decodable { var version: Int }
    let bytes = try Files.read(path)
    let version = try Failure.advising(RunFile.remedy(RunFile.manifest)) {
      try JSON.decode(Version.self, from: bytes, at: path).version
    }
    guard version == Manifest.currentVersion else {
      throw Failure(
        .badData,
        "has layout version \(version), and this program knows \(Manifest.currentVersion)",
        at: path, remedy: "Use the program that wrote it.")
    }
    return try Failure.advising(RunFile.remedy(RunFile.manifest)) {
      try JSON.decode(Manifest.self, from: bytes, at: path)
    }
  }

  private static func value<T: Decodable>(
    _ type: T.Type, _ name: String, in folder: String
  ) throws -> T? {
    let path = "\(folder)/\(name)"
    guard Files.exists(path) else { return nil }
    return try Failure.advising(RunFile.remedy(name)) {
      try JSON.decode(type, from: Files.read(path), at: path)
    }
  }

  /// A last line without its end is still being written, or never was; it does not count.
  static func lines<T: Decodable>(
    _ type: T.Type, _ name: String, in folder: String
  ) throws -> [T] {
    let path = "\(folder)/\(name)"
    guard Files.exists(path) else { return [] }
    let bytes = try Files.read(path)
    let whole = bytes.prefix(bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)
    let work = Work("reading \(name)", of: whole.count)
    defer { work.end() }
    return try whole.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
      .compactMap { index, line in
        defer { work.advance(by: line.count + 1) }
        guard !line.isEmpty else { return nil }
        return try Failure.advising(RunFile.remedy(name)) {
          try JSON.decode(type, from: Array(line), at: "\(path), line \(index + 1)")
        }
      }
  }
}
