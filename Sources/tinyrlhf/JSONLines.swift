import Datasets
import Support

/// JSON Lines on standard input answered by JSON Lines on standard output, in order.
///
/// What one read brings is answered together, 64 lines at most, so that memory does not grow with
/// the input and nobody waits for lines that are still to come. A bad line gets one line on
/// standard error; the others are answered all the same. A line's `id` comes back in its answer as it was.
struct JSONLines {
  private static let batch = 64
  /// Different keys that are named; a file could make up new ones for ever.
  private static let namedKeys = 50

  /// A line that could be read: its number, from 1, and what is to be computed.
  struct Job<Value> {
    let line: Int
    let value: Value
    /// The bytes of the line's `id`.
    fileprivate let id: [UInt8]?
  }

  /// As `serve`, with answers that are still to be written.
  static func run<Value, Answer: Encodable>(
    prepare: (RowFields, _ place: String) throws -> Value, answer: ([Job<Value>]) throws -> [Answer]
  ) throws {
    try serve(prepare: prepare, answer: { jobs in try answer(jobs).map { try JSON.encode($0) } })
  }

  /// - Parameters:
  ///   - prepare: checks a line; what it throws, with the line's place, is that line's error.
  ///   - answer: answers a batch of checked lines, each with a JSON object.
  /// - Throws: `BadLines` at the end if a line was bad.
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
          if let job = try read(line, lines, &named, prepare) { jobs.append(job) }
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

  /// nil for a blank line.
  private static func read<Value>(
    _ line: [UInt8], _ lines: LineReader, _ named: inout Set<String>,
    _ prepare: (RowFields, String) throws -> Value
  ) throws -> Job<Value>? {
    guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
    let fields = try RowFields(JSON.parse(line, at: lines.place))
    let value = try prepare(fields, lines.place)
    for key in fields.unusedKeys where key != "id" && named.count < namedKeys && named.insert(key).inserted {
      Console.error("tinyrlhf: \(lines.place): the key \"\(key.prefix(80))\" is not used, here and further on")
    }
    return Job(line: lines.line, value: value, id: try JSON.source(of: "id", in: line).map { Array(line[$0]) })
  }

  /// An object with the id in front.
  private static func identified(_ answer: [UInt8], _ id: [UInt8]?) -> [UInt8] {
    guard let id else { return answer }
    let rest = answer.dropFirst()
    return Array("{\"id\":".utf8) + id + (rest == [UInt8(ascii: "}")] ? [] : [UInt8(ascii: ",")]) + rest
  }
}

/// Some lines were bad and have been reported.
struct BadLines: Error {}
