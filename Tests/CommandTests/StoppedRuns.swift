import FoundationEssentials
import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs that are stopped in the middle of a stage.
extension Program {
  /// Starts or continues a run and sends it a signal in the middle of a stage.
  /// - Parameters:
  ///   - arguments: of a run in `folder`.
  ///   - saved: whether to wait until the stage has a training checkpoint.
  func stop(
    _ arguments: [String], in folder: String, stage: String, saved: Bool, with signal: Int32
  ) throws -> ChildProcess.Result {
    let process = try ChildProcess(
      binary,
      arguments + ["--save-interval", "0"] + (Files.exists(folder) ? ["--resume"] : []))
    let start = Clock.monotonic()
    while try !isRunning(stage, in: folder)
      || saved && !hasTrainingCheckpoint(stage, in: folder), process.isRunning
    {
      try #require(Clock.monotonic() - start < 120, "\(stage) did not begin")
      usleep(1000)
    }
    process.send(signal: signal)
    return process.wait(timeout: 60)
  }

  func isRunning(_ stage: String, in folder: String) throws -> Bool {
    let path = "\(folder)/manifest.json"
    guard Files.exists(path) else { return false }
    let manifest = try JSON.decode([String: JSONValue].self, from: Files.read(path), at: path)
    guard case .array(let stages)? = manifest["stages"] else { return false }
    return stages.contains { $0["name"]?.string == stage && $0["status"]?.string == "running" }
  }

  func hasTrainingCheckpoint(_ stage: String, in folder: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: folder).contains { name in
      guard name.hasPrefix("\(stage)-"), name.hasSuffix(".training.trlhf") else { return false }
      return name.dropFirst(stage.count + 1).prefix { $0 != "." }.allSatisfy(\.isNumber)
    }
  }
}
