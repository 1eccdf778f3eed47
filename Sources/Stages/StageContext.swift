import Checkpoints
import Inference
import Runs
import Support

/// What all stages of a run share: the folder, the settings, and how to stop when the run is interrupted.
public struct StageContext {
  public let run: RunFolder
  public let metrics: MetricsLog
  public let settings: Settings
  public let seed: UInt64
  public let threads: Int
  /// Seconds between training checkpoints.
  public let saveInterval: Double
  /// Number of newest training checkpoints of each stage that are kept, besides the best, even after the stage ends;
  /// nil for one until the stage ends.
  public let keep: Int?
  /// Whether all hashes and values of a checkpoint are checked before it is used.
  public let verify: Bool
  /// Makes the progress line of a stage: name, total steps, first step.
  public let progress: (String, Int, Int) -> Progress
  /// Prints a message for people.
  public let note: (String) -> Void
  /// Whether the user asked the run to stop; called between steps.
  public let isInterrupted: () -> Bool
  /// The command that continues the run.
  public let resumeCommand: String
  /// The round of rankings, reward model and PPO.
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

  /// Starts or continues a separate run in a folder inside this run's folder. Its results are the same as if it were
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
      // If a run was killed right after the stage, the training checkpoints still exist.
      return try removeTrainingCheckpoints(name)
    }
    let start = Clock.monotonic()
    // Returns the previous stage's memory to the system.
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
        // If the manifest cannot be written either, the stage's own error is the one to report.
        try? run.pause(name, seconds: Clock.monotonic() - start)
        throw error
      }
    }
  }

  /// Opens a model of the run.
  package func model(at path: String, _ access: Checkpoint.Access = .readOnly) throws -> Model {
    try Model(Checkpoint(path: path, access: access, verify: verify, threads: threads))
  }

  /// Checks that the file of a finished stage is unchanged.
  /// - Throws: `Failure(.badData)` if the file is damaged or was replaced.
  private func requireUnchanged(_ stage: String) throws {
    guard verify, let entry = run.manifest.stages.first(where: { $0.name == stage }),
      let name = entry.checkpoint
    else { return }
    let path = run.file(name)
    // Older runs did not record an identity of rankings.
    let found = name.hasSuffix(".trlhf")
      ? try Checkpoint(path: path, verify: true, threads: threads).identity
      : try entry.identity.map { _ in try rankingsIdentity() }
    guard let found, let identity = entry.identity, identity != Hexadecimal.text(found) else { return }
    throw Failure(
      .badData, "is not what the stage \(stage) left: its identity is \(Hexadecimal.text(found)), but was \(identity)",
      at: path,
      remedy: "Put the original file back; or remove it and the files of later stages, so that they run again. "
        + "--no-verify uses the file as it is.")
  }

  /// The identity of this round's rankings: a hash of the training file and the held-out file.
  func rankingsIdentity() throws -> UInt64 {
    let hashes = try [RunFile.rankings, RankingStage.heldOutFile].map {
      Hexadecimal.text(Hash.xxh64(try Files.read(run.file(round.file($0)))))
    }
    return Hash.xxh64(Array(hashes.joined().utf8))
  }

  /// Removes the training checkpoints of a stage that has ended, unless the user wants to keep them.
  private func removeTrainingCheckpoints(_ stage: String) throws {
    if keep == nil { try run.retain(stage, keep: 0) }
  }

  /// Runs a part of the run. If it throws, the folder is left in a state from which the user can continue: as it was
  /// before if nothing has been learnt yet, else ready to be resumed.
  func withFailureCleanup<T>(_ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch var failure as Failure where failure.kind != .interrupted {
      if hasLearntNothing {
        run.withdraw([RunFile.metrics, RunFile.metricDeclarations, PretrainStage.file])
      } else if failure.kind == .inputOutput {
        failure.remedy = "Correct that, then continue with: \(resumeCommand)"
      }
      throw failure
    }
  }

  /// Whether no step was taken and no stage ended, except the stage of `all` that copies the base.
  private var hasLearntNothing: Bool {
    metrics.isEmpty
      && !run.manifest.stages.contains { $0.status == .finished && $0.name != Self.baseStage }
  }

  /// The stage of `all` that copies the base to the run folder.
  static let baseStage = "base"

  /// Runs a stage in this context's round unless it is finished, and records it in the manifest.
  public func stage(_ stage: Stage, _ body: () throws -> StageResult) throws {
    try self.stage(name(stage), body)
  }

  /// A copy of this context for one round of several.
  func during(_ round: Round) -> StageContext {
    var context = self
    context.round = round
    return context
  }

  /// The name of a stage in this round.
  func name(_ stage: Stage) -> String { round.name(stage.name) }

  package func interrupted() -> Failure {
    Failure(.interrupted, "interrupted; the state is saved", remedy: "Continue with: \(resumeCommand)")
  }
}

/// The result of a stage.
public struct StageResult {
  /// The name of the result's file in the run folder.
  public var checkpoint: String?
  public var identity: UInt64?
}
