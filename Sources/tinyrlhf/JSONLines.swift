import Datasets
import Support
import Tokenizers

/// JSON Lines on standard input answered by JSON Lines on standard output, in order.
///
/// What one read brings is answered together, 64 lines at most, so that memory does not grow with
/// the input and nobody waits for lines that are still to come. A bad line gets one line on
/// standard error; the others are answered all the same.
struct JSONLines {
  private static let batch = 64

  /// A line that could be read: its number, from 1, and what is to be computed.
  struct Job<Value> {
    let line: Int
    let value: Value
  }

  /// - Parameters:
  ///   - prepare: checks a line; what it throws, with the line's place, is that line's error.
  ///   - answer: answers a batch of checked lines.
  /// - Throws: `ExitCode(65)` at the end if a line was bad.
  static func run<Request: Decodable, Value, Answer: Encodable>(
    _ type: Request.Type, prepare: (Request, _ place: String) throws -> Value,
    answer: ([Job<Value>]) throws -> [Answer]
  ) throws {
    let lines = try LineReader(path: "-")
    var bad = 0
    var isOver = false
    while !isOver {
      var jobs: [Job<Value>] = []
      while jobs.count < batch {
        guard let line = try lines.next() else {
          isOver = true
          break
        }
        do {
          if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
            let request = try JSON.decode(type, from: line, at: lines.place)
            jobs.append(Job(line: lines.line, value: try prepare(request, lines.place)))
          }
        } catch let failure as Failure where failure.kind == .badData {
          bad += 1
          Console.error("tinyrlhf: \(failure)")
        }
        if !lines.hasLine { break }
      }
      guard !jobs.isEmpty else { continue }
      var output: [UInt8] = []
      for answer in try answer(jobs) { output += try JSON.encode(answer) + [0x0A] }
      try Console.output(output)
    }
    if bad > 0 { throw BadLines() }
  }
}

/// Some lines were bad and have been reported.
struct BadLines: Error {}

/// A prompt and perhaps a completion, each as text or as tokens.
struct TextRequest: Decodable {
  var prompt: Prompt?
  var promptTokens: [Int32]?
  var completion: String?
  var completionTokens: [Int32]?

  enum CodingKeys: String, CodingKey {
    case prompt, completion
    case promptTokens = "prompt_tokens"
    case completionTokens = "completion_tokens"
  }

  /// - Throws: `Failure(.badData)` when there is no prompt, or tokens that are none.
  func prompt(_ tokenizer: Tokenizer, at place: String) throws -> [Int32] {
    try tokens(
      promptTokens, try prompt.map { prompt in try Failure.locating(place) { try tokenizer.encode(prompt: prompt) } }, "prompt", tokenizer, place)
  }

  /// With its end token where it is given as text.
  func completion(_ tokenizer: Tokenizer, at place: String) throws -> [Int32] {
    try tokens(
      completionTokens, completion.map { tokenizer.encode(completion: $0) }, "completion",
      tokenizer, place)
  }

  /// Both, checked against the context.
  func sequence(_ tokenizer: Tokenizer, context: Int, at place: String) throws
    -> (prompt: [Int32], completion: [Int32])
  {
    let pair = (prompt: try prompt(tokenizer, at: place), completion: try completion(tokenizer, at: place))
    let count = pair.prompt.count + pair.completion.count
    guard count <= context else {
      throw Failure(
        .badData, "prompt and completion have \(count) tokens, the context \(context)", at: place,
        remedy: "Shorten them; nothing is truncated silently.")
    }
    return pair
  }

  private func tokens(
    _ given: [Int32]?, _ encoded: [Int32]?, _ name: String, _ tokenizer: Tokenizer, _ place: String
  ) throws -> [Int32] {
    if let given { try tokenizer.check(given, at: place) }
    guard let tokens = given ?? encoded else {
      throw Failure(
        .badData, "the key \"\(name)\" is missing", at: place,
        remedy: "Give it as text, or \"\(name)_tokens\".")
    }
    guard !tokens.isEmpty else {
      throw Failure(
        .badData, "the \(name) has no tokens", at: place, remedy: "Give it at least one.")
    }
    return tokens
  }
}
