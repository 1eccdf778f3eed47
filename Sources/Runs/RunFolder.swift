import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The folder of a run, locked by this process: manifest, checkpoints, metrics and results.
///
///     let run = try RunFolder.start(at: "runs/1", manifest: manifest, resume: false)
///     if !run.isFinished("sft") {
///       try run.begin("sft")
///       …
///       try run.finish("sft", seconds: 41.2, checkpoint: "sft.trlhf", identity: "9f0c…")
///     }
public final class RunFolder {
  public let path: String
  public private(set) var manifest: Manifest
  private let lock: FolderLock
  /// The state of the folder before this run; nil if it already held a run.
  private let origin: Origin?

  /// The state of a folder that was empty or did not exist.
  private struct Origin {
    /// The folders that this process created, outermost first.
    var made: [String]

    /// Restores the original state: removes the lock and the created folders.
    func restore(_ lock: FolderLock) {
      lock.remove()
      removeFolders()
    }

    func removeFolders() {
      for folder in made.reversed() { rmdir(folder) }
    }
  }

  /// Starts a run in a new or empty folder, or continues the run in it.
  /// - Throws: `Failure`: `.usage` if the folder holds files and `resume` is false, or holds
  ///   another run than `manifest` describes; `.busy` if another process uses it;
  ///   `.cannotCreate` if it cannot be written.
  public static func start(at path: String, manifest: Manifest, resume: Bool) throws -> RunFolder {
    let origin = Origin(made: try createFolders(path))
    do {
      return try start(in: path, origin, manifest, resume: resume)
    } catch {
      origin.removeFolders()
      throw error
    }
  }

  private static func start(
    in path: String, _ origin: Origin, _ manifest: Manifest, resume: Bool
  ) throws -> RunFolder {
    var names = try Files.names(in: path)
    if !names.contains(RunFile.manifest), names.contains(unborn) {
      unlink("\(path)/\(unborn)")
      names.removeAll { $0 == unborn }
    }
    // A folder with a lock belongs to a run: check whether it is in use before checking its files.
    let earlierLock = names.contains(FolderLock.name) ? try FolderLock(folder: path) : nil
    if let found = names.first(where: { $0 != FolderLock.name }) {
      guard resume else {
        throw Failure(
          .usage, "already holds files (\(found))", at: path,
          remedy: "Continue the run in it with --resume, or choose another folder with --output.")
      }
      guard names.contains(RunFile.manifest) else {
        throw Failure(
          .usage, "holds files but no run (no \(RunFile.manifest))", at: path,
          remedy: "Choose another folder with --output.")
      }
      return try RunFolder(
        resuming: path, as: manifest, lock: try earlierLock ?? FolderLock(folder: path))
    }
    let folder = RunFolder(
      path: path, manifest: manifest, lock: try earlierLock ?? FolderLock(folder: path),
      origin: origin)
    do {
      try folder.writeManifest()
    } catch {
      folder.withdraw([])
      throw error
    }
    return folder
  }

  /// - Throws: `Failure(.usage)` if the folder does not exist, so that there is no run to continue.
  public static func requireSomething(at path: String) throws {
    guard !Files.exists(path) else { return }
    throw Failure(
      .usage, "there is no run to resume: no such folder", at: path,
      remedy: "Name the run's folder with --output, or leave out --resume to start a run.")
  }

  /// Whether `start` starts a new run in `path`, with or without `resume`. A run that was killed at once has left only
  /// its lock and an incomplete manifest; such a folder counts as empty.
  public static func isEmpty(_ path: String) throws -> Bool {
    guard Files.exists(path) else { return true }
    return try Files.names(in: path).allSatisfy { $0 == FolderLock.name || $0 == unborn }
  }

  /// The file left by a run that was killed before its manifest was complete.
  private static let unborn = RunFile.manifest + ".partial"

  /// Continues the run in `path` with its original options.
  /// - Throws: `Failure`: `.usage` if there is no run; `.busy` if another process uses the folder.
  public static func resume(at path: String) throws -> RunFolder {
    guard Files.exists("\(path)/\(RunFile.manifest)") else {
      throw Failure(
        .usage, "is not a run folder (it has no \(RunFile.manifest))", at: path,
        remedy: "Name the folder that was given with --output.")
    }
    return try RunFolder(resuming: path, as: nil, lock: FolderLock(folder: path))
  }

  private init(path: String, manifest: Manifest, lock: FolderLock, origin: Origin?) {
    self.path = path
    self.manifest = manifest
    self.lock = lock
    self.origin = origin
  }

  /// - Parameter expected: the manifest that the run must match, checked before any file changes; nil for no check.
  private convenience init(resuming path: String, as expected: Manifest?, lock: FolderLock) throws {
    let manifest = try RunFiles(folder: path).manifest()
    if let expected { try manifest.requireSameRun(as: expected, at: path) }
    self.init(path: path, manifest: manifest, lock: lock, origin: nil)
    for name in try Files.names(in: path) where name.hasSuffix(".partial") {
      unlink("\(path)/\(name)")
    }
    self.manifest.resumed.append(Clock.date())
    if manifest.dataHashes == nil { self.manifest.dataHashes = expected?.dataHashes }
    try writeManifest()
  }

  /// Removes a run that failed before it learnt anything, so that the user can correct the command and repeat it: the
  /// manifest, `names`, the lock, and the folders that this run created. Does nothing if the folder held a run before.
  public func withdraw(_ names: [String]) {
    guard let origin else { return }
    for name in names + [RunFile.manifest] { unlink(file(name)) }
    origin.restore(lock)
  }

  /// The path of a file in this folder.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  // MARK: Stages

  /// Whether a stage is finished and its checkpoint still exists.
  public func isFinished(_ stage: String) -> Bool {
    guard let entry = manifest.stages.first(where: { $0.name == stage }),
      entry.status == .finished
    else { return false }
    return entry.checkpoint.map { Files.exists(file($0)) } ?? true
  }

  /// Marks a stage as running, for the first time or again.
  public func begin(_ stage: String) throws {
    update(stage) { $0.status = .running }
    try writeManifest()
  }

  /// Adds the time spent in a stage that is now interrupted.
  public func pause(_ stage: String, seconds: Double) throws {
    update(stage) { $0.seconds += seconds }
    try writeManifest()
  }

  /// Marks a stage as finished.
  /// - Parameters:
  ///   - seconds: time spent in it since the last `begin`.
  ///   - checkpoint: the name of its result file in this folder.
  ///   - identity: the identity of that checkpoint, in hexadecimal.
  public func finish(
    _ stage: String, seconds: Double, checkpoint: String? = nil, identity: String? = nil
  ) throws {
    update(stage) {
      $0.status = .finished
      $0.seconds += seconds
      $0.checkpoint = checkpoint
      $0.identity = identity
    }
    try writeManifest()
  }

  private func update(_ stage: String, _ change: (inout Manifest.Stage) -> Void) {
    if !manifest.stages.contains(where: { $0.name == stage }) {
      manifest.stages.append(Manifest.Stage(name: stage, status: .running, seconds: 0))
    }
    change(&manifest.stages[manifest.stages.firstIndex { $0.name == stage }!])
  }

  private func writeManifest() throws {
    try write(manifest, to: RunFile.manifest)
  }

  // MARK: Results

  /// Replaces `summary.json`.
  public func write(_ summary: Summary) throws { try write(summary, to: RunFile.summary) }

  /// Replaces `evaluation.json`.
  public func write(_ details: EvaluationDetails) throws {
    try write(details, to: RunFile.evaluation)
  }

  /// Replaces `study.json`.
  public func write(_ study: StudyRecord) throws { try write(study, to: RunFile.study) }

  /// Replaces `samples.jsonl`.
  public func write(_ samples: [SampleRecord]) throws {
    try writeLines(samples, to: RunFile.samples)
  }

  /// Replaces a file by lines with one JSON object each.
  public func writeLines(_ records: [some Encodable], to name: String) throws {
    var bytes: [UInt8] = []
    let work = Work("writing \(name)", of: records.count)
    defer { work.end() }
    for record in records {
      defer { work.advance() }
      bytes += try JSON.encode(record)
      bytes.append(0x0A)
    }
    try Files.writeAtomically(bytes, to: file(name))
  }

  /// The records of a file that `writeLines` wrote.
  public func readLines<Record: Decodable>(_ name: String) throws -> [Record] {
    try RunFiles(folder: path).lines(Record.self, name)
  }

  /// Removes a file, if it exists.
  /// - Throws: `Failure(.inputOutput)`.
  public func remove(_ name: String) throws {
    guard unlink(file(name)) != 0, errno != ENOENT else { return }
    throw Failure(.inputOutput, "cannot be removed: \(Files.systemError())", at: file(name))
  }

  private func write(_ value: some Encodable, to name: String) throws {
    try Files.writeAtomically(JSON.encode(value, pretty: true) + [0x0A], to: file(name))
  }

  // MARK: Folders

  /// Creates `path` and the folders above it, and syncs them to disk.
  /// - Returns: the folders that did not exist, outermost first.
  private static func createFolders(_ path: String) throws -> [String] {
    guard !path.isEmpty else {
      throw Failure(.usage, "the run folder has no name", remedy: "Name one with --output.")
    }
    var folder = path.hasPrefix("/") ? "" : "."
    var made: [String] = []
    do {
      for part in path.split(separator: "/") {
        folder += "/\(part)"
        guard mkdir(folder, 0o755) == 0 else {
          if errno == EEXIST { continue }
          throw Failure(
            .cannotCreate, "cannot be created: \(Files.systemError())", at: path,
            remedy: "Choose a folder that you may write with --output.")
        }
        made.append(folder)
        try Files.syncFolder(of: folder)
      }
    } catch {
      Origin(made: made).removeFolders()
      throw error
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(
        .cannotCreate, "is a file, not a folder", at: path,
        remedy: "Choose a folder with --output.")
    }
    return made
  }
}
