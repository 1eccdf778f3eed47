import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `metrics.jsonl`: one line per step, `{"stage": "ppo", "step": 12, "objective/kl": 1.5, …}`.
///
/// Only the key `"seconds"` of a line depends on the clock. Without it, the log of a resumed run equals
/// that of an uninterrupted run, byte for byte.
/// Lines are buffered in memory: call `synchronize` *before* you write the checkpoint of a step.
public final class MetricsLog {
  /// The one key that may differ between equal runs.
  public static let timeKey = "seconds"

  private let path: String
  private let declarationsPath: String
  private var declarations: [String: [Metric]]
  private var descriptor: Int32
  private var pending: [UInt8] = []
  private static let bufferBytes = 1 << 16

  /// Opens the log of `folder` for more lines. Drops an incomplete last line.
  ///
  /// The existing lines are written again: after a failed sync, the system may show lines that are not on the disk and
  /// that it would never write.
  public init(_ folder: RunFolder) throws {
    path = folder.file(RunFile.metrics)
    declarationsPath = folder.file(RunFile.metricDeclarations)
    // What cannot be read is declared again: it is no reason to stop a run.
    declarations = (try? RunFiles(folder: folder.path).value([String: [Metric]].self, RunFile.metricDeclarations)) ?? [:]
    let isThere = try Files.names(in: folder.path).contains(RunFile.metrics)
    let bytes = isThere ? try Files.read(path) : []
    let whole = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    try Files.writeAtomically(Array(bytes[..<whole]), to: path)
    descriptor = try Self.opened(path)
  }

  deinit {
    try? flush()
    close(descriptor)
  }

  /// Whether the log has no lines.
  public var isEmpty: Bool { pending.isEmpty && lseek(descriptor, 0, SEEK_END) == 0 }

  /// Adds one line. Values that are not finite are written as null.
  /// - Parameters:
  ///   - values: in the order of the line.
  ///   - seconds: time since the start of the stage; nil to leave it out.
  public func append(
    stage: String, step: Int, _ values: [(Metric, Double)], seconds: Double? = nil
  ) throws {
    try declare(values.map(\.0), of: stage)
    var line = "{\"stage\":\(Self.quoted(stage)),\"step\":\(step)"
    for (name, value) in values.map({ ($0.name, $1) }) + (seconds.map { [(Self.timeKey, $0)] } ?? []) {
      line += ",\(Self.quoted(name)):\(Self.number(value))"
    }
    pending += Array(line.utf8) + Array("}\n".utf8)
    if pending.count >= Self.bufferBytes { try flush() }
  }

  /// Adds metrics that are logged for the first time, or that are declared otherwise than before, to `metrics.json`.
  private func declare(_ metrics: [Metric], of stage: String) throws {
    let known = declarations[stage] ?? []
    let new = metrics.filter { metric in !known.contains { $0.isDeclared(like: metric) } }
    guard !new.isEmpty else { return }
    declarations[stage] = (known.filter { !new.contains($0) } + new).sorted { $0.name < $1.name }
    try Files.writeAtomically(JSON.encode(declarations), to: declarationsPath)
  }

  /// Makes all lines so far durable.
  /// - Throws: `Failure(.inputOutput)`. Lines that could not be written stay pending. After a failed sync, the log must
  ///   be opened again.
  public func synchronize() throws {
    try flush()
    try Files.sync(descriptor, path: path)
  }

  /// The values of one metric of a stage, by step.
  public func values(_ metric: String, of stage: String) throws -> [(step: Int, value: Double)] {
    try lines().compactMap { _, record in
      guard record.stage == stage, let value = record.values[metric] else { return nil }
      return (record.step, value)
    }
  }

  /// Drops the lines of `stage` after `step`. An interrupted run wrote them after the checkpoint from which it is
  /// resumed.
  public func truncate(stage: String, afterStep step: Int) throws {
    let lines = try lines()
    let kept = lines.filter { $0.record.stage != stage || $0.record.step <= step }
    guard kept.count < lines.count else { return }
    try Files.writeAtomically(kept.flatMap { $0.line + [0x0A] }, to: path)
    let reopened = try Self.opened(path)
    close(descriptor)
    descriptor = reopened
  }

  /// All lines of the file, after a flush of the pending lines.
  private func lines() throws -> [(line: ArraySlice<UInt8>, record: MetricsRecord)] {
    try flush()
    let lines = try Files.read(path).split(separator: 0x0A)
    let work = Work("reading \(RunFile.metrics)", of: lines.count)
    defer { work.end() }
    return try lines.enumerated().map { index, line in
      defer { work.advance() }
      let place = "\(path), line \(index + 1)"
      return try Failure.advising(RunFile.remedy(RunFile.metrics)) {
        (line, try JSON.decode(MetricsRecord.self, from: Array(line), at: place))
      }
    }
  }

  private static func opened(_ path: String) throws -> Int32 {
    let descriptor = Files.uninterrupted { open(path, O_RDWR | O_APPEND | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw Failure(.inputOutput, "cannot be opened: \(Files.systemError())", at: path)
    }
    return descriptor
  }

  private func flush() throws {
    guard !pending.isEmpty else { return }
    let end = lseek(descriptor, 0, SEEK_END)
    do { try Files.write(pending, to: descriptor, path: path) } catch {
      // Removes a partly written batch, which would otherwise be written again with the next batch. If it cannot be
      // removed, its incomplete line must stay the last one; it is dropped when the log is opened.
      if Files.uninterrupted({ ftruncate(descriptor, end) }) != 0 { pending = [] }
      throw error
    }
    pending.removeAll(keepingCapacity: true)
  }

  private static func quoted(_ text: String) -> String { (try? JSON.line(text)) ?? "\"\"" }

  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }
}
