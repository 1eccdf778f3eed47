import ArgumentParser
import Datasets
import Dialogues
import Inference
import Stages
import Support
import Tokenizers

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct Chat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Talk to a model: each line is a turn, and the answer is printed while it is generated.",
    discussion: "/reset starts a new dialogue; the end of the input (Ctrl-D) ends the program.")

  @Argument(help: ArgumentHelp(ModelSource.help)) var model: String = ModelSource.builtin
  @Option(help: "Arithmetic of the weights: int8 or float32 (default: int8).") var precision: RolloutPrecision?
  @Option(parsing: .unconditional, help: "Seed of the answers (default: 1).", transform: Seed.read) var seed: UInt64 = 1
  @Flag(
    help: """
      Before each answer, show the prompt on standard error: the text that the chat template makes, and its tokens.
      """)
  var showPrompt = false
  @OptionGroup var sampling: SamplingParameters
  @OptionGroup var verification: VerifyOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let options = try sampling.options()
    let model = try ModelSource.open(model, verification)
    try model.refuse(precision: precision, as: "--precision float32")
    let answerer = try Answerer(
      model, threads: compute.threads, precision: precision ?? .int8, options: options)
    let stop = StopTexts(sampling.stop)
    let isTerminal = isatty(STDIN_FILENO) == 1
    let lines = try LineReader(path: "-")
    var dialogue = Dialogue(
      tokenizer: model.tokenizer, capacity: answerer.capacity, reserve: sampling.maxNewTokens)
    var bad = 0
    while true {
      if isTerminal { Console.raw("> ") }
      guard let line = try lines.next() else { break }
      let text = String(decoding: line, as: UTF8.self)
      if text.allSatisfy(\.isWhitespace) { continue }
      if text == "/reset" {
        dialogue.reset()
        continue
      }
      do {
        let (prompt, dropped) = try dialogue.ask(text, at: lines.place)
        if dropped > 0 {
          Console.error("tinyrlhf: the dialogue is too long; its \(dropped) oldest turns are removed.")
        }
        if showPrompt { Console.error(try dialogue.shown()) }
        var stream = AnswerStream(model.tokenizer, stop, harmless: isatty(STDOUT_FILENO) == 1)
        var lost: (any Error)?
        let answer = try answerer.complete(
          [(tokens: prompt, stream: UInt64(lines.line - 1))], stop: stop, seed: seed,
          onToken: { _, token in
            do { try stream.add(token) } catch { lost = lost ?? error }
          })[0]
        if let lost { throw lost }
        try stream.finish()
        dialogue.answered(answer.text)
      } catch let failure as Failure where failure.kind == .badData {
        bad += 1
        Console.error("tinyrlhf: \(failure)")
      }
    }
    if isTerminal { Console.raw("\n") }
    if bad > 0 { throw BadLines() }
  }
}

/// The latest turns of the dialogue, as many as fit the context.
private struct Dialogue {
  let tokenizer: Tokenizer
  let capacity: Int
  /// Tokens reserved for the answer.
  let reserve: Int
  private var turns: [Turn] = []

  init(tokenizer: Tokenizer, capacity: Int, reserve: Int) {
    self.tokenizer = tokenizer
    self.capacity = capacity
    self.reserve = reserve
  }

  /// Adds a turn; returns the prompt, and how many of the oldest turns were removed to make room.
  /// - Throws: `Failure(.badData)` when the turn alone is too long; the dialogue stays as it was.
  mutating func ask(_ text: String, at place: String) throws -> (prompt: [Int32], dropped: Int) {
    let turn = Turn(.user, text)
    let alone = try tokenizer.encode(prompt: [turn]).count
    guard alone < capacity else {
      throw Failure(
        .badData, "this turn has \(alone) tokens, the context \(capacity)", at: place,
        remedy: "Write a shorter turn.", code: .contextExceeded)
    }
    turns.append(turn)
    var dropped = 0
    var prompt = try tokenizer.encode(prompt: turns)
    // A question is removed together with its answer.
    while turns.count > 2, prompt.count > capacity - reserve {
      turns.removeFirst(2)
      dropped += 2
      prompt = try tokenizer.encode(prompt: turns)
    }
    return (prompt, dropped)
  }

  /// The prompt as text and as tokens.
  func shown() throws -> String {
    let (text, tokens) = try tokenizer.show(Prompt(turns: turns), opensAnswer: true)
    return Terminal.harmless(text, keepingLines: true) + "\n[\(tokens.count) tokens: "
      + tokens.map(String.init).joined(separator: " ") + "]"
  }

  mutating func answered(_ text: String) { turns.append(Turn(.assistant, text)) }

  mutating func reset() { turns = [] }
}

/// Prints an answer while it is generated, in whole characters. Holds back bytes that may be the beginning of a
/// stop text.
private struct AnswerStream {
  private let tokenizer: Tokenizer
  private let stop: StopTexts
  private let harmless: Bool
  private var bytes: [UInt8] = []
  private var printed = 0
  private var hasBegun = false

  /// - Parameter harmless: remove control characters, which a terminal would execute.
  init(_ tokenizer: Tokenizer, _ stop: StopTexts, harmless: Bool) {
    self.tokenizer = tokenizer
    self.stop = stop
    self.harmless = harmless
  }

  mutating func add(_ token: Int32) throws {
    bytes += tokenizer.decode(answer: CollectionOfOne(token), continuing: hasBegun)
    hasBegun = true
    let settled = stop.firstStop(in: bytes) ?? bytes.count - max(0, stop.longest - 1)
    try write(to: wholeCharacters(settled))
  }

  /// Prints the rest of the answer, up to a stop text if there is one, and a newline.
  mutating func finish() throws {
    try write(to: stop.firstStop(in: bytes) ?? bytes.count)
    try Console.output([0x0A])
  }

  /// Returns `end`, or the start of the last character if that character needs bytes beyond `end`.
  private func wholeCharacters(_ end: Int) -> Int {
    for start in stride(from: end - 1, through: max(printed, end - 3), by: -1) {
      let byte = bytes[start]
      if byte & 0xC0 == 0x80 { continue }
      let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
      return start + length > end ? start : end
    }
    return end
  }

  private mutating func write(to end: Int) throws {
    guard end > printed else { return }
    let text = String(decoding: bytes[printed..<end], as: UTF8.self)
    try Console.output(
      Array((harmless ? Terminal.harmless(text, keepingLines: true) : text).utf8))
    printed = end
  }
}
