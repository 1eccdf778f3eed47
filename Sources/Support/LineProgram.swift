#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Another program that answers lines: it reads a line from its standard input and writes a line to its standard
/// output. Its standard error is this process's.
///
///     let program = try LineProgram(command: "python3 judge.py")
///     guard let answer = try program.answer(to: line) else { … program.ending … }
public final class LineProgram {
  public let command: String
  private let identifier: pid_t
  private let input: Int32
  private let output: Int32
  /// Bytes of the output after the last line that was returned.
  private var unread: [UInt8] = []
  /// How the program ended; nil while it runs.
  private var status: Int32?
  private let oldHandler: (@convention(c) (Int32) -> Void)?

  /// The longest allowed answer, in bytes.
  public static let lineLimit = 1 << 20
  /// Seconds that the program may run after its input has ended.
  private static let patience = 5.0

  /// Starts a command of the shell.
  /// - Throws: `Failure(.failed)` if no process can be started.
  public init(command: String) throws {
    self.command = command
    let (childInput, ours) = try Self.pipe(for: command)
    let (childOutput, answers): (Int32, Int32)
    do { (answers, childOutput) = try Self.pipe(for: command) } catch {
      close(childInput)
      close(ours)
      throw error
    }
    input = ours
    output = answers
    defer {
      close(childInput)
      close(childOutput)
    }
    do { identifier = try Self.start(command, input: childInput, output: childOutput) } catch {
      close(ours)
      close(answers)
      throw error
    }
    // A write to a program that has ended must fail with an error; it must not end this process.
    oldHandler = signal(SIGPIPE, SIG_IGN)
  }

  deinit {
    close(input)
    wait()
    close(output)
    signal(SIGPIPE, oldHandler)
  }

  /// Writes a line, with its end, and waits for the answer.
  /// - Returns: the line without its end; nil if the program ended first.
  /// - Throws: `Failure(.badData)` for an answer over the limit, `.inputOutput`.
  public func answer(to line: [UInt8]) throws -> [UInt8]? {
    do { try Files.write(line + [0x0A], to: input, path: command) } catch where errno == EPIPE { return nil }
    var searched = 0
    while true {
      if let end = unread[searched...].firstIndex(of: 0x0A) {
        defer { unread.removeSubrange(...end) }
        return Array(unread[..<end])
      }
      searched = unread.count
      guard searched <= Self.lineLimit else {
        throw Failure(.badData, "writes a line of more than \(Formatting.bytes(Self.lineLimit))", at: command)
      }
      guard try read() else { return nil }
    }
  }

  /// Reads more of the output; false at its end.
  private func read() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = Files.uninterrupted { Glibc.read(output, &buffer, buffer.count) }
    guard count >= 0 else {
      throw Failure(.inputOutput, "cannot be read: \(Files.systemError())", at: command)
    }
    unread += buffer[..<count]
    return count > 0
  }

  /// How the program ended, as a clause: "ended with status 3". Waits for its end.
  public var ending: String {
    wait()
    guard let status else { return "has ended" }
    let signal = status & 0x7F
    return signal == 0 ? "ended with status \(status >> 8 & 0xFF)" : "was ended by signal \(signal)"
  }

  /// Waits for the program's end; kills it if it takes too long.
  private func wait() {
    let start = Clock.monotonic()
    var status: Int32 = 0
    while self.status == nil {
      switch waitpid(identifier, &status, WNOHANG) {
      case identifier: self.status = status
      case 0:
        if Clock.monotonic() - start > Self.patience { kill(identifier, SIGKILL) }
        usleep(1_000)
      default: if errno != EINTR { return }
      }
    }
  }

  private static func pipe(for command: String) throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Glibc.pipe(&ends) == 0 else {
      throw Failure(.failed, "cannot be started: \(Files.systemError())", at: command)
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private static func start(_ command: String, input: Int32, output: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    let words: [UnsafeMutablePointer<CChar>?] = ["sh", "-c", command].map { (word: String) in strdup(word) }
    defer { words.forEach { free($0) } }
    var identifier: pid_t = 0
    let code = posix_spawn(&identifier, "/bin/sh", &actions, nil, words + [nil], environ)
    guard code == 0 else {
      throw Failure(.failed, "cannot be started: \(String(cString: strerror(code)))", at: command)
    }
    return identifier
  }
}
