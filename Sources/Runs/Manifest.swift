import Support

/// `manifest.json`: the options of a run, its machine, and its progress.
///
/// Everything that depends on the clock or the machine is stored here, never in a checkpoint.
public struct Manifest: Codable, Equatable, Sendable {
  /// The version of this file's layout.
  public var version = Manifest.currentVersion
  /// The command that started the run; the first element is the program's name.
  public var command: [String]
  /// The resolved value of every hyper-parameter, by its name on the command line.
  public var configuration: [String: JSONValue]
  /// A hash of the contents of each data file, in hexadecimal, by the name of its option; nil in manifests of versions
  /// that did not store it, until the run is resumed.
  public var dataHashes: [String: String]?
  public var seed: UInt64
  /// The seed of the built-in world; nil for a run that uses only the user's own files.
  public var worldSeed: UInt64?
  public var host: Host
  /// Start time of the run, UTC.
  public var started: String
  /// Times at which the run was resumed, UTC, oldest first.
  public var resumed: [String] = []
  public var stages: [Stage] = []

  public static let currentVersion = 1

  enum CodingKeys: String, CodingKey {
    case version, command, configuration, seed, host, started, resumed, stages
    case dataHashes = "data_hashes"
    case worldSeed = "world_seed"
  }

  public init(
    command: [String], configuration: [String: JSONValue], dataHashes: [String: String]? = nil, seed: UInt64,
    worldSeed: UInt64? = nil, host: Host, started: String = Clock.date()
  ) {
    self.command = command
    self.configuration = configuration
    self.dataHashes = dataHashes
    self.seed = seed
    self.worldSeed = worldSeed
    self.host = host
    self.started = started
  }

  /// One stage of the run.
  public struct Stage: Codable, Equatable, Sendable {
    public enum Status: String, Codable, Sendable { case running, finished }

    public var name: String
    public var status: Status
    /// Time spent in the stage, without interruptions.
    public var seconds: Double
    /// The stage's result file in the run folder; nil if it writes none.
    public var checkpoint: String?
    /// The identity of that checkpoint, in hexadecimal.
    public var identity: String?
  }

  /// The machine, for the comparison of runs.
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

  /// Checks that a run continues with the learning options with which it was started; with others, the result would
  /// belong to neither run.
  /// - Throws: `Failure(.usage)` with the first option that differs and both values, or with the first data file whose
  ///   contents differ.
  func requireSameRun(as other: Manifest, at place: String) throws {
    func check(_ name: String, _ mine: JSONValue?, against theirs: JSONValue?) throws {
      guard mine != theirs else { return }
      throw Failure(
        .usage,
        "was started with \(name) \(Self.text(mine)), but this command has \(Self.text(theirs))",
        at: place,
        remedy: "Resume it with its original options, "
          + "or choose another folder with --output.")
    }
    try check("seed", .string("\(seed)"), against: .string("\(other.seed)"))
    try check(
      "world seed", worldSeed.map { .string("\($0)") }, against: other.worldSeed.map { .string("\($0)") })
    // A data file with the same contents is the same data under any name.
    let hashed = Set((dataHashes ?? [:]).keys)
    for name in Set(configuration.keys).union(other.configuration.keys).subtracting(hashed).sorted() {
      try check(name, configuration[name], against: other.configuration[name])
    }
    try requireSameData(as: other, at: place)
  }

  /// - Throws: `Failure(.usage)` with the first option whose file was not given in both runs, or has other contents.
  private func requireSameData(as other: Manifest, at place: String) throws {
    guard let dataHashes else { return }
    let theirs = other.dataHashes ?? [:]
    for option in Set(dataHashes.keys).union(theirs.keys).sorted() where dataHashes[option] != theirs[option] {
      let what =
        if dataHashes[option] == nil {
          "was started without --\(option)"
        } else if theirs[option] == nil {
          "was started with --\(option), which this command does not have"
        } else {
          "was started with other contents of the file of --\(option)"
        }
      throw Failure(
        .usage, what, at: place,
        remedy: "Resume it with the same data, or choose another folder with --output.")
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
