import FoundationEssentials
import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Another program, started with given arguments, input and environment; its output is kept.
///
///     let result = try ChildProcess.run("sort", ["-n"], input: Array("2\n1\n".utf8))
///
/// Input and output are unlinked temporary files, so neither side ever waits for the other.
public final class ChildProcess {
  /// How a program ended and what it wrote.
  public struct Result: Sendable {
    /// The exit code; 128 + n for a program that was ended by signal n, as shells count.
    public var exitCode: Int32
    public var standardOutput: [UInt8]
    public var standardError: [UInt8]
    /// Whether it was killed because its time was over.
    public var timedOut: Bool

    public var outputText: String { String(decoding: standardOutput, as: UTF8.self) }
    public var errorText: String { String(decoding: standardError, as: UTF8.self) }
  }

  public let identifier: Int32
  private let program: String
  private let output: Int32
  private let error: Int32
  private var exitCode: Int32?

  /// Starts `program` (a path, or a name looked up in `PATH`).
  /// - Parameters:
  ///   - environment: variables set on top of this process's own; a nil value removes one.
  /// - Throws: `Failure` if the program cannot be started.
  public init(
    _ program: String, _ arguments: [String] = [], input: [UInt8] = [],
    environment: [String: String?] = [:]
  ) throws {
    self.program = program
    let standardInput = try Self.temporaryFile()
    defer { close(standardInput) }
    try Files.write(input, to: standardInput, path: "the input of \(program)")
    lseek(standardInput, 0, SEEK_SET)
    output = try Self.temporaryFile()
    error = try Self.temporaryFile()
    identifier = try Self.spawn(
      program, arguments, Self.merge(environment), [standardInput, output, error])
  }

  deinit {
    if exitCode == nil {
      kill(identifier, SIGKILL)
      _ = wait()
    }
    close(output)
    close(error)
  }

  /// Runs `program` to its end.
  /// - Parameter timeout: seconds after which it is killed.
  public static func run(
    _ program: String, _ arguments: [String] = [], input: [UInt8] = [],
    environment: [String: String?] = [:], timeout: Double? = nil
  ) throws -> Result {
    try ChildProcess(program, arguments, input: input, environment: environment)
      .wait(timeout: timeout)
  }

  /// Sends a signal, unless the program has ended.
  public func send(signal: Int32) {
    if poll() == nil { kill(identifier, signal) }
  }

  public var isRunning: Bool { poll() == nil }

  /// What the program has written to its standard output until now.
  public var outputSoFar: [UInt8] { Self.contents(of: output) }
  /// What the program has written to its standard error until now.
  public var errorSoFar: [UInt8] { Self.contents(of: error) }

  /// Waits for the end; kills the program after `timeout` seconds.
  public func wait(timeout: Double? = nil) -> Result {
    let start = Clock.monotonic()
    var (timedOut, pause) = (false, 200_000)
    while poll() == nil {
      if let timeout, !timedOut, Clock.monotonic() - start > timeout {
        timedOut = true
        kill(identifier, SIGKILL)
      }
      var rest = timespec(tv_sec: 0, tv_nsec: pause)
      nanosleep(&rest, nil)
      pause = min(pause * 2, 10_000_000)
    }
    return Result(
      exitCode: exitCode!, standardOutput: outputSoFar, standardError: errorSoFar,
      timedOut: timedOut)
  }

  /// The exit code, once there is one.
  private func poll() -> Int32? {
    if let exitCode { return exitCode }
    var status: Int32 = 0
    let ended = waitpid(identifier, &status, WNOHANG)
    if ended == identifier {
      let signal = status & 0x7F
      exitCode = signal == 0 ? status >> 8 & 0xFF : 128 + signal
    } else if ended < 0 && errno != EINTR {
      exitCode = 127  // Someone else has collected it; its code is lost.
    }
    return exitCode
  }

  private static func merge(_ changes: [String: String?]) -> [String] {
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in changes { variables[name] = value }
    return variables.map { "\($0.key)=\($0.value)" }.sorted()
  }

  private static func spawn(
    _ program: String, _ arguments: [String], _ environment: [String], _ descriptors: [Int32]
  ) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, descriptor) in descriptors.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(target))
    }

    // A background shell leaves SIGINT ignored, and the program would inherit that.
    var (attributes, signals, none) = (posix_spawnattr_t(), sigset_t(), sigset_t())
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    sigemptyset(&none)
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

    let words = ([program] + arguments).map { strdup($0) }
    let variables = environment.map { strdup($0) }
    defer { (words + variables).forEach { free($0) } }
    var identifier: pid_t = 0
    let code = posix_spawnp(
      &identifier, program, &actions, &attributes, words + [nil], variables + [nil])
    guard code == 0 else {
      throw Failure(
        .failed, "cannot be started: \(String(cString: strerror(code)))", at: program,
        remedy: "Check that the program exists and may be run.")
    }
    return identifier
  }

  private static func temporaryFile() throws -> Int32 {
    let descriptor = Temporaries.openNameless()
    guard descriptor >= 0 else {
      throw Failure(
        .cannotCreate, "no temporary file can be created: \(Files.systemError())",
        remedy: "Set TMPDIR to a folder that can be written.")
    }
    return descriptor
  }

  private static func contents(of descriptor: Int32) -> [UInt8] {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return [] }
    let size = Int(status.st_size)
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size {
        let got = pread(
          descriptor, buffer.baseAddress! + filled, size - filled, off_t(filled))
        if got < 0 && errno == EINTR { continue }
        guard got > 0 else { break }
        filled += got
      }
    }
  }
}
