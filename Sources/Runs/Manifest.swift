import Support

/// `manifest.json`: what a run is, where it runs and how far it has come.
///
/// Everything that depends on the clock or the machine lives here, and never in a checkpoint.
public struct Manifest: Codable, Equatable, Sendable {
  /// The version of this file's layout.
  public var version = Manifest.currentVersion
  /// The command that started the run, the program's name first.
  public var command: [String]
  /// Every hyper-parameter's resolved value, by its name on the command line.
  public var configuration: [String: JSONValue]
  public var seed: UInt64
  /// The seed of the built-in world; nil for a run on the user's own files alone.
  public var worldSeed: UInt64?
  public var host: Host
  /// When the run was started, UTC.
  public var started: String
  /// When it was resumed, UTC, oldest first.
  public var resumed: [String] = []
  public var stages: [Stage] = []

  public static let currentVersion = 1

  enum CodingKeys: String, CodingKey {
    case version, command, configuration, seed, host, started, resumed, stages
    case worldSeed = "world_seed"
  }

  public init(
    command: [String], configuration: [String: JSONValue], seed: UInt64, worldSeed: UInt64? = nil,
    host: Host, started: String = Clock.date()
  ) {
    self.command = command
    self.configuration = configuration
    self.seed = seed
    self.worldSeed = worldSeed
    self.host = host
    self.started = started
  }

  /// One stage of the run, in the order in which they were begun.
  public struct Stage: Codable, Equatable, Sendable {
    public enum Status: String, Codable, Sendable { case running, finished }

    public var name: String
    public var status: Status
    /// Time spent in it, interruptions left out.
    public var seconds: Double
    /// The file that it left in the run folder, if it leaves one.
    public var checkpoint: String?
    /// The identity of that checkpoint, in hexadecimal.
    public var identity: String?
  }

  /// The machine, for people who compare runs.
  public struct Host: Codable, Equatable, Sendable {
    public var processor: String
    public var threads: Int
    /// The limit given with `--memory`, in bytes.
    public var memoryLimit: Int?

    enum CodingKeys: String, CodingKey {
      case processor, threads
      case memoryLimit = "memory_limit"
    }

    public init(processor: String, threads: Int, memoryLimit: Int? = nil) {
      self.processor = processor
      self.threads = threads
      self.memoryLimit = memoryLimit
    }

    /// This machine.
    public static func current(threads: Int, memoryLimit: Int? = nil) -> Host {
      Host(processor: Machine.processorName, threads: threads, memoryLimit: memoryLimit)
    }
  }

  /// Refuses to continue a run with other learning options than it was begun with, since the
  /// result would be neither run.
  /// - Throws: `Failure(.usage)` naming the first option that differs and both values.
  func requireSameRun(as other: Manifest, at place: String) throws {
    func check(_ name: String, _ mine: JSONValue?, _ theirs: JSONValue?) throws {
      guard mine != theirs else { return }
      throw Failure(
        .usage,
        "was begun with \(name) \(Self.text(mine)), and this command says \(Self.text(theirs))",
        at: place,
        remedy: "Resume it with the options it was begun with, "
          + "or choose another folder with --output.")
    }
    try check("seed", .string("\(seed)"), .string("\(other.seed)"))
    try check(
      "world seed", worldSeed.map { .string("\($0)") }, other.worldSeed.map { .string("\($0)") })
    for name in Set(configuration.keys).union(other.configuration.keys).sorted() {
      try check(name, configuration[name], other.configuration[name])
    }
  }

  private static func text(_ value: JSONValue?) -> String {
    switch value {
    case nil: "unset"
    case .string(let text)?: text
    case let value?: (try? JSON.line(value)) ?? "\(value)"
    }
  }
}
