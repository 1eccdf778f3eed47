// What libFuzzer calls. One program holds every target; TINYRLHF_FUZZ names the one to run.
import Glibc
import Support

/// A reader under test.
protocol Target {
  /// Inputs to begin with: small, and each of another kind.
  static func seeds() throws -> [[UInt8]]
  init() throws
  /// Feeds one input. What the reader may throw is a `Failure`; whatever must hold afterwards is checked
  /// by `require`, which ends the process.
  func run(_ input: UnsafeRawBufferPointer) throws
}

private func chosen() -> any Target.Type {
  switch ProcessEnvironment.variable("TINYRLHF_FUZZ") {
  case "checkpoint": CheckpointTarget.self
  case "archive": ArchiveTarget.self
  case "tokenizer": TokenizerTarget.self
  case "datasets": DatasetsTarget.self
  case "requests": RequestsTarget.self
  case "interchange": InterchangeTarget.self
  case "gguf": GGUFTarget.self
  case "vocabulary": VocabularyTarget.self
  case "template": JinjaTarget.self
  case "json": JSONTarget.self
  case "report": ReportTarget.self
  case "options": OptionsTarget.self
  case let name: fatalError("there is no target \(name ?? "without TINYRLHF_FUZZ")")
  }
}

nonisolated(unsafe) private let target: any Target = {
  do { return try chosen().init() } catch { fatalError("\(error)") }
}()

/// With TINYRLHF_SEEDS the seeds are written into that folder, and nothing is run.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<Int32>?, _ arguments: UnsafeMutableRawPointer?
) -> Int32 {
  guard let folder = ProcessEnvironment.variable("TINYRLHF_SEEDS") else {
    // Made before the first input's time is taken.
    _ = target
    atexit {
      let line = "stat::slowest_input_seconds: \(slowest)\n"
      write(2, line, line.utf8.count)
    }
    return 0
  }
  do {
    for (index, seed) in try chosen().seeds().enumerated() {
      try Files.writeAtomically(seed, to: "\(folder)/seed-\(index)")
    }
    exit(0)
  } catch { fatalError("\(error)") }
}

/// The longest that an input took of a processor, which neither a busy machine nor one that stops for a while lengthens.
nonisolated(unsafe) private var slowest = 0.0

private func look(at seconds: Double) {
  require(seconds < 1, "an input takes \(seconds) s")
  slowest = max(slowest, seconds)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let start = clock()
  defer { look(at: Double(clock() - start) / 1e6) }
  do {
    try target.run(UnsafeRawBufferPointer(start: bytes, count: count))
  } catch let failure as Failure {
    // A damaged input is bad data. One that claims terabytes finds no memory, and says so.
    require(failure.kind == .badData || failure.kind == .outOfMemory, "\(failure.kind): \(failure)")
    require(!failure.what.isEmpty && failure.place != "", "an error that says nothing: \(failure)")
  } catch {
    fatalError("not a Failure: \(error)")
  }
  return 0
}

func require(_ condition: Bool, _ what: @autoclosure () -> String) {
  if !condition { fatalError(what()) }
}

/// An input's bytes from front to back; zeros when it is used up.
struct Bytes {
  private let bytes: UnsafeRawBufferPointer
  private var next = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isEmpty: Bool { next >= bytes.count }
  var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[min(next, bytes.count)...]) }

  mutating func u8() -> UInt8 {
    guard next < bytes.count else { return 0 }
    defer { next += 1 }
    return bytes[next]
  }

  mutating func u16() -> Int { Int(u8()) | Int(u8()) << 8 }

  /// A little-endian number of `width` bytes.
  mutating func number(_ width: Int) -> UInt64 {
    (0..<width).reduce(0) { $0 | UInt64(u8()) << (8 * $1) }
  }
}
