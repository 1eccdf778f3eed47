import FoundationEssentials
import Support
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder in which one call of the spawned program's C library fails. `Tests/CFaults` does it.
struct FaultyFolder {
  /// What a call fails with.
  enum Fault: Hashable, CustomStringConvertible {
    case error(Int32)
    /// Half of what was asked for is read or written.
    case short

    /// Whether a program must live with it as if nothing had happened.
    var isPassing: Bool { self == .short || self == .error(EINTR) }

    var number: Int32 {
      switch self {
      case .error(let number): number
      case .short: -1
      }
    }

    var description: String {
      let names = [EIO: "EIO", ENOSPC: "ENOSPC", EINTR: "EINTR", ENOMEM: "ENOMEM", EMFILE: "EMFILE"]
      switch self {
      case .error(let number): return names[number] ?? "error \(number)"
      case .short: return "short"
      }
    }
  }

  /// A call on a file below the folder.
  struct Call: Hashable {
    var kind: String
    /// Among those of its kind, from 1.
    var number: Int
  }

  /// A line of the log of calls.
  struct Event: Equatable {
    var kind: String
    /// Below the folder; two for a renaming.
    var paths: [String]
  }

  /// What each kind of call can fail with.
  static let faults: KeyValuePairs<String, [Fault]> = [
    "open": [.error(EIO), .error(EINTR), .error(ENOSPC), .error(EMFILE)],
    "opendir": [.error(EIO), .error(EMFILE)],
    "read": [.error(EIO), .error(EINTR), .short],
    "write": [.error(ENOSPC), .error(EINTR), .error(EIO), .short],
    "fsync": [.error(EIO), .error(EINTR), .error(ENOSPC)],
    "ftruncate": [.error(ENOSPC), .error(EINTR), .error(EIO)],
    "mmap": [.error(ENOMEM)],
    "close": [.error(EIO), .error(EINTR)],
    "flock": [.error(EIO), .error(EINTR)],
    "rename": [.error(EIO), .error(ENOSPC)],
    "unlink": [.error(EIO)],
    "mkdir": [.error(ENOSPC), .error(EIO)],
    "rmdir": [.error(EIO)],
  ]

  let program: Program
  let path: String

  /// An empty folder.
  init(_ program: Program, _ name: String) throws {
    self.program = program
    path = try program.fresh(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Starts the program; of the calls on this folder's files, `call` fails.
  func start(_ arguments: [String], _ call: Call, _ fault: Fault) throws -> ChildProcess {
    try start(arguments, environment(call.kind, call.number, fault.number))
  }

  /// Starts the program with nothing in its way.
  func start(_ arguments: [String]) throws -> ChildProcess { try start(arguments, [:]) }

  /// A run in the folder's `run` that ends where it would give a file its name, for the first time.
  func run(_ arguments: [String], untilNaming file: String) throws -> ChildProcess.Result {
    let naming = try events(arguments).filter { $0.kind == "rename" }
      .firstIndex { $0.paths[1].hasSuffix(file) }
    try FileManager.default.removeItem(atPath: "\(path)/run")
    let call = Call(kind: "rename", number: try #require(naming, "\(file)") + 1)
    return try start(arguments, call, .error(EIO)).wait(timeout: 60)
  }

  /// Every call of an undisturbed run on this folder's files, in order.
  func events(_ arguments: [String]) throws -> [Event] {
    let log = try program.fresh("calls.log")
    var environment = environment("none", 0, 0)
    environment["TINYRLHF_FAULT_LOG"] = log
    let result = try start(arguments, environment).wait(timeout: 120)
    try #require(result.exitCode == 0, "\(result.errorText)")
    return String(decoding: try Files.read(log), as: UTF8.self).split(separator: "\n").map {
      let words = $0.split(separator: " ").map(String.init)
      return Event(kind: words[0], paths: Array(words[1...]))
    }
  }

  private func start(_ arguments: [String], _ environment: [String: String]) throws
    -> ChildProcess
  {
    try ChildProcess(
      program.binary, arguments,
      environment: environment.merging(["XDG_CACHE_HOME": "\(program.folder)/cache"]) { $1 })
  }

  private func environment(_ call: String, _ number: Int, _ error: Int32) -> [String: String] {
    [
      "LD_PRELOAD": Self.library(program), "TINYRLHF_FAULT_FOLDER": path,
      "TINYRLHF_FAULT_CALL": call, "TINYRLHF_FAULT_NUMBER": "\(number)",
      "TINYRLHF_FAULT_ERROR": "\(error)",
    ]
  }

  /// Lies beside the tests, which are built with it.
  private static func library(_ program: Program) -> String {
    let folders = [CommandLine.arguments[0], program.binary].map { path in
      path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }
    return (folders + [".build/release"]).map { "\($0)/libCFaults.so" }.first(where: Files.exists)
      ?? "libCFaults.so"
  }
}
