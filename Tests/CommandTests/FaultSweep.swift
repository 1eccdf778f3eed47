import Checkpoints
import FoundationEssentials
import Support
import TestSupport
import Testing

/// A command is run again and again, each time with another call of its C library failing, until
/// every call on a file has failed; after each failure nothing is lost and the command can go on.
struct FaultSweep {
  /// In messages and in the table of results.
  let name: String
  let program: Program
  /// The file to read, put into the folder as `source` before each run; nil for none.
  var source: String?
  /// What stands at `results[0]` before each run; nil for nothing.
  var old: [UInt8]?
  /// The command, in a folder.
  let arguments: (String) -> [String]
  /// What goes on after a failure, in the same folder.
  let again: (String) -> [String]
  /// Files, below the folder, that must have an undisturbed run's bytes in the end.
  let results: [String]

  /// How many calls of a kind met a fault, and what came of it.
  struct Tally {
    var refused = 0
    var completed = 0
  }

  /// One run with one fault.
  private struct Attempt {
    let call: FaultyFolder.Call
    let fault: FaultyFolder.Fault
    let folder: FaultyFolder

    var description: String { "\(call.kind) \(call.number) \(fault)" }
  }

  /// Runs at a time.
  private static let width = 2

  /// - Parameters:
  ///   - everything: each call with each fault; else each call with one of them in turn.
  ///   - share: which part of them, from 1 on.
  func run(everything: Bool, share: (number: Int, of: Int) = (1, of: 1)) throws -> [String: Tally] {
    let reference = try prepared("undisturbed")
    let events = try reference.events(arguments(reference.path))
    let expected = try contents(reference.path)
    for result in results { try #require(expected[result] != nil, "\(result)") }
    let attempts = try Self.cases(events, everything: everything).enumerated()
      .filter { $0.offset % share.of == share.number - 1 }.map(\.element)
    var tallies: [String: Tally] = [:]
    for first in stride(from: 0, to: attempts.count, by: Self.width) {
      let group = try attempts[first..<min(first + Self.width, attempts.count)].enumerated().map {
        Attempt(call: $1.call, fault: $1.fault, folder: try prepared("faulty-\($0)"))
      }
      let ends = try finish(group) { try $0.folder.start(arguments($0.folder.path), $0.call, $0.fault) }
      for (attempt, end) in zip(group, ends) {
        let completed = try check(attempt, end, expected)
        tallies["\(attempt.call.kind),\(attempt.fault)", default: Tally()].count(completed)
      }
      let rests = try finish(group) { try $0.folder.start(again($0.folder.path)) }
      for (attempt, end) in zip(group, rests) {
        #expect(end.exitCode == 0, "\(name), going on after \(attempt.description): \(end.errorText)")
        let found = try contents(attempt.folder.path)
        #expect(found.keys.sorted() == expected.keys.sorted(), "\(name), \(attempt.description)")
        expectResults(found, expected, attempt)
      }
    }
    return tallies
  }

  private static func cases(_ events: [FaultyFolder.Event], everything: Bool) throws
    -> [(call: FaultyFolder.Call, fault: FaultyFolder.Fault)]
  {
    var cases: [(call: FaultyFolder.Call, fault: FaultyFolder.Fault)] = []
    for (kind, faults) in FaultyFolder.faults {
      let count = events.filter { $0.kind == kind }.count
      for number in 1..<count + 1 {
        let call = FaultyFolder.Call(kind: kind, number: number)
        let chosen = everything ? faults : [faults[number % faults.count]]
        cases += chosen.map { (call, $0) }
      }
    }
    try #require(cases.count > 10, "hardly a call was seen: is the library preloaded?")
    return cases
  }

  private func prepared(_ folderName: String) throws -> FaultyFolder {
    let folder = try FaultyFolder(program, folderName)
    if let source {
      try FileManager.default.copyItem(atPath: source, toPath: "\(folder.path)/source")
    }
    if let old { try Files.writeAtomically(old, to: "\(folder.path)/\(results[0])") }
    return folder
  }

  private func finish(
    _ group: [Attempt], _ start: (Attempt) throws -> ChildProcess
  ) throws -> [ChildProcess.Result] {
    try group.map(start).map { $0.wait(timeout: 120) }
  }

  // MARK: Laws

  /// - Returns: whether the command came to its end in spite of the fault.
  private func check(
    _ attempt: Attempt, _ end: ChildProcess.Result, _ expected: [String: [UInt8]]
  ) throws -> Bool {
    let label = "\(name), \(attempt.description): \(end.exitCode), \(end.errorText)"
    let found = try contents(attempt.folder.path)
    for path in found.keys where path.hasSuffix(".trlhf") {
      #expect(throws: Never.self, "\(label), \(path)") {
        _ = try Checkpoint(path: "\(attempt.folder.path)/\(path)", verify: true)
      }
    }
    // What cannot be removed is still there.
    if attempt.call.kind != "unlink" {
      #expect(!found.keys.contains { $0.hasSuffix(".partial") }, "\(label), \(found.keys)")
    }
    guard end.exitCode != 0 else {
      expectResults(found, expected, attempt)
      return true
    }
    #expect(!attempt.fault.isPassing, "\(label)")
    #expect(end.exitCode == 73 || end.exitCode == 74, "\(label)")
    let lines = end.errorText.split(separator: "\n").filter { !$0.hasPrefix("warning: ") }
    #expect(lines.count == 1 && lines[0].hasPrefix("tinyrlhf: "), "\(label)")
    #expect(end.errorText.contains(attempt.folder.path), "no place in \(label)")
    if let old, let now = found[results[0]] {
      #expect(now == old || now == expected[results[0]], "\(label)")
    }
    return false
  }

  private func expectResults(
    _ found: [String: [UInt8]], _ expected: [String: [UInt8]], _ attempt: Attempt
  ) {
    for path in results {
      #expect(found[path] == expected[path], "\(name), \(attempt.description): \(path)")
    }
  }

  /// The files of a folder and of the run folder in it.
  private func contents(_ path: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      if name == FaultSweep.runFolder {
        for (inner, bytes) in try program.contents(of: "\(path)/\(name)") {
          files["\(name)/\(inner)"] = bytes
        }
      } else {
        files[name] = try Files.read("\(path)/\(name)")
      }
    }
    return files
  }

  static let runFolder = "run"
}

extension FaultSweep.Tally {
  fileprivate mutating func count(_ completed: Bool) {
    if completed { self.completed += 1 } else { refused += 1 }
  }
}
