import Checkpoints
import Inference
import Runs
import Support

/// What every stage of a run shares: its folder, settings and the way out when it is interrupted.
public struct StageContext {
  public let run: RunFolder
  public let metrics: MetricsLog
  public let settings: Settings
  public let seed: UInt64
  public let threads: Int
  /// Seconds between training checkpoints.
  public let saveInterval: Double
  /// Newest training checkpoints that stay of each stage, also when it ends, beside the best; nil for
  /// one until the stage ends.
  public let keep: Int?
  /// Whether every hash and value of a checkpoint is checked before it is used.
  public let verify: Bool
  /// Makes the progress line of a stage: name, total steps, first step.
  public let progress: (String, Int, Int) -> Progress
  /// Says something to people.
  public let note: (String) -> Void
  /// Whether someone asked the run to stop; asked between steps.
  public let isInterrupted: () -> Bool
  /// The command that continues the run.
  public let resumeCommand: String
  /// Of rankings, reward model and PPO.
  public private(set) var round = Round.only

  public init(
    run: RunFolder, settings: Settings, seed: UInt64, threads: Int, saveInterval: Double = 30,
    keep: Int? = nil, verify: Bool = true, resumeCommand: String, progress: @escaping (String, Int, Int) -> Progress,
    note: @escaping (String) -> Void, isInterrupted: @escaping () -> Bool
  ) throws {
    self.run = run
    do { metrics = try MetricsLog(run) } catch {
      run.withdraw([RunFile.metrics, RunFile.metricDeclarations])
      throw error
    }
    self.settings = settings
    self.seed = seed
    self.threads = threads
    self.saveInterval = saveInterval
    self.keep = keep
    self.verify = verify
    self.progress = progress
    self.note = note
    self.isInterrupted = isInterrupted
    self.resumeCommand = resumeCommand
  }

  /// A run folder of its own inside this run's, begun or continued; what it leaves is the same as if it were
  /// run alone.
  package func nested(_ name: String, settings: Settings, seed: UInt64) throws -> StageContext {
    var configuration = settings.resolved()
    configuration["quick"] = .bool(settings.isQuick)
    let folder = try RunFolder.start(
      at: run.file(name),
      manifest: Manifest(
        command: run.manifest.command, configuration: configuration, seed: seed,
        host: run.manifest.host),
      resume: true)
    return try StageContext(
      run: folder, settings: settings, seed: seed, threads: threads, saveInterval: saveInterval,
      verify: verify, resumeCommand: resumeCommand,
      progress: { [progress] in progress("\(name) \($0)", $1, $2) }, note: note,
      isInterrupted: isInterrupted)
  }

  /// Runs a stage unless it is finished, and records it in the manifest.
  public func stage(_ name: String, _ body: () throws -> StageResult) throws {
    guard !run.isFinished(name) else {
      try requireUnchanged(name)
      // A run that was killed right after the stage has left its training checkpoints.
      return try removeTrainingCheckpoints(name)
    }
    let start = Clock.monotonic()
    // What the stage before held is not this stage's.
    Memory.releaseFree()
    try withFailureCleanup {
      try run.begin(name)
      do {
        let result = try body()
        try run.finish(
          name, seconds: Clock.monotonic() - start, checkpoint: result.checkpoint,
          identity: result.identity.map(Hexadecimal.text))
        try removeTrainingCheckpoints(name)
      } catch {
        // The stage's own error matters more than one of the manifest.
        try? run.pause(name, seconds: Clock.monotonic() - start)
        throw error
      }
    }
  }

  /// Opens a model of the run.
  package func model(at path: String, _ access: Checkpoint.Access = .readOnly) throws -> Model {
    try Model(Checkpoint(path: path, access: access, verify: verify, threads: threads))
  }

  /// - Throws: `Failure(.badData)` when what a finished stage left is damaged, or is another file than it left.
  private func requireUnchanged(_ stage: String) throws {
    guard verify, let entry = run.manifest.stages.first(where: { $0.name == stage }),
      let name = entry.checkpoint
    else { return }
    let path = run.file(name)
    // Older runs state no identity of rankings.
    let found = name.hasSuffix(".trlhf")
      ? try Checkpoint(path: path, verify: true, threads: threads).identity
      : try entry.identity.map { _ in try rankingsIdentity() }
    guard let found, let identity = entry.identity, identity != Hexadecimal.text(found) else { return }
    throw Failure(
      .badData, "is not what the stage \(stage) left: its identity is \(Hexadecimal.text(found)), and was \(identity)",
      at: path, remedy: "Put the file back; or remove it and what later stages left, so that they run again. "
        + "--no-verify takes it as it is.")
  }

  /// Of the rankings of this round: the hash of those to learn from and of those held out.
  func rankingsIdentity() throws -> UInt64 {
    let hashes = try [RunFile.rankings, RankingStage.heldOutFile].map {
      Hexadecimal.text(Hash.xxh64(try Files.read(run.file(round.file($0)))))
    }
    return Hash.xxh64(Array(hashes.joined().utf8))
  }

  /// Those of a stage that has ended, unless the user wants them.
  private func removeTrainingCheckpoints(_ stage: String) throws {
    if keep == nil { try run.retain(stage, keep: 0) }
  }

  /// Runs a part of the run; what it throws leaves the folder so that the user can go on: as it was
  /// found when nothing has been learnt yet, else ready to be resumed.
  func withFailureCleanup<T>(_ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch var failure as Failure where failure.kind != .interrupted {
      if hasLearntNothing {
        run.withdraw([RunFile.metrics, RunFile.metricDeclarations, PretrainStage.file])
      } else if failure.kind == .inputOutput {
        failure.remedy = "Put that right, then continue with: \(resumeCommand)"
      }
      throw failure
    }
  }

  /// No step was taken and no stage ended, but that of `all` which brings the base.
  private var hasLearntNothing: Bool {
    metrics.isEmpty
      && !run.manifest.stages.contains { $0.status == .finished && $0.name != Self.baseStage }
  }

  /// The stage of `all` that puts the base into the run folder.
  static let baseStage = "base"

  public func stage(_ stage: Stage, _ body: () throws -> StageResult) throws {
    try self.stage(name(stage), body)
  }

  /// The same in one round of several.
  func during(_ round: Round) -> StageContext {
    var context = self
    context.round = round
    return context
  }

  /// What a stage is called in this round.
  func name(_ stage: Stage) -> String { round.name(stage.name) }

  package func interrupted() -> Failure {
    Failure(.interrupted, "interrupted; the state is saved", remedy: "Continue with: \(resumeCommand)")
  }
}

/// What a stage leaves behind.
public struct StageResult {
  /// A file in the run folder.
  public var checkpoint: String?
  public var identity: UInt64?
}
