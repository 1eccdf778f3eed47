import Datasets
import Support

/// Reads JSON Lines from standard input and writes one JSON answer per line to standard output, in order.
///
/// Lines that arrive together are answered together, at most 64 at a time. So memory does not grow with the input,
/// and a line is answered before the next one arrives. A bad line causes one line on standard error; the other lines
/// are still answered. A line's `id` is copied unchanged to its answer.
struct JSONLines {
  private static let batch = 64
  /// At most this many different unused keys are reported, because a file can have any number of them.
  private static let namedKeys = 50

  /// A valid line: its number, from 1, and the value to compute.
  struct Job<Value> {
    let line: Int
    let value: Value
    /// The bytes of the line's `id`, if it has one.
    fileprivate let id: [UInt8]?
  }

  /// Like `serve`, but encodes the answers as JSON.
  static func run<Value, Answer: Encodable>(
    prepare: (RowFields, _ place: String) throws -> Value, answer: ([Job<Value>]) throws -> [Answer]
  ) throws {
    try serve(prepare: prepare, answer: { jobs in try answer(jobs).map { try JSON.encode($0) } })
  }

  /// - Parameters:
  ///   - prepare: checks a line. A `Failure(.badData)` that it throws is reported with the line's place.
  ///   - answer: answers a batch of checked lines, each with a JSON object.
  /// - Throws: `BadLines` at the end if any line was bad.
  static func serve<Value>(
    prepare: (RowFields, _ place: String) throws -> Value, answer: ([Job<Value>]) throws -> [[UInt8]]
  ) throws {
    let lines = try LineReader(path: "-")
    var bad = 0
    var named: Set<String> = []
    var isOver = false
    while !isOver {
      var jobs: [Job<Value>] = []
      while jobs.count < batch {
        guard let line = try lines.next() else {
          isOver = true
          break
        }
        do {
          if let job = try read(line, from: lines, named: &named, prepare: prepare) { jobs.append(job) }
        } catch var failure as Failure where failure.kind == .badData {
          bad += 1
          failure.place = failure.place ?? lines.place
          Console.report(failure)
        }
        if !lines.hasLine { break }
      }
      guard !jobs.isEmpty else { continue }
      var output: [UInt8] = []
      for (job, answer) in zip(jobs, try answer(jobs)) { output += identified(answer, job.id) + [0x0A] }
      try Console.output(output)
    }
    if bad > 0 { throw BadLines() }
  }

  /// Parses and prepares one line; returns nil for a blank line.
  private static func read<Value>(
    _ line: [UInt8], from lines: LineReader, named: inout Set<String>,
    prepare: (RowFields, String) throws -> Value
  ) throws -> Job<Value>? {
    guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
    let fields = try RowFields(JSON.parse(line, at: lines.place))
    let value = try prepare(fields, lines.place)
    for key in fields.unusedKeys where key != "id" && named.count < namedKeys && named.insert(key).inserted {
      Console.error("tinyrlhf: \(lines.place): the key \"\(key.prefix(80))\" is not used, here and in later lines")
    }
    return Job(line: lines.line, value: value, id: try JSON.source(of: "id", in: line).map { Array(line[$0]) })
  }

  /// Inserts the id as the first member of a JSON object.
  private static func identified(_ answer: [UInt8], _ id: [UInt8]?) -> [UInt8] {
    guard let id else { return answer }
    let rest = answer.dropFirst()
    return Array("{\"id\":".utf8) + id + (rest == [UInt8(ascii: "}")] ? [] : [UInt8(ascii: ",")]) + rest
  }
}

/// Thrown when some lines were bad and have already been reported.
struct BadLines: Error {}
