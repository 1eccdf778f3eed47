import Support
import Testing

@testable import Tokenizers

/// Bytes, merges that cross what frames are made of, and an end token.
private func tokenizer(_ format: ChatFormat) throws -> Tokenizer {
  var tokens = (0...255 as ClosedRange<UInt8>).map {
    TokenizerDefinition.Token(id: Int32($0), bytes: [$0], traits: .model)
  }
  var merges: [TokenizerDefinition.Rule] = []
  // ":(" and "))" are one piece of text whatever they belong to, and so is "\n\n".
  for pair in [":(", "))", "()", "ab", "\n\n"] {
    let bytes = Array(pair.utf8)
    let id = Int32(tokens.count)
    tokens.append(.init(id: id, bytes: bytes, traits: .model))
    merges.append(.init(left: Int32(bytes[0]), right: Int32(bytes[1]), result: id))
  }
  let special: TokenizerDefinition.Traits = [.added, .special]
  tokens.append(.init(id: end, bytes: Array("<end>".utf8), traits: special))
  return try Tokenizer(
    TokenizerDefinition(
      splitting: .gpt2, normalization: .none, vocabularyCount: tokens.count, tokens: tokens,
      merges: merges, chatFormat: format))
}

private let end: Int32 = 261

/// Frames that are text alone, or that end with a token.
private func format(closes: Bool, prefix: String = "") -> ChatFormat {
  var format = ChatFormat(
    name: "test", system: .init(open: [.text("S:")], close: [.text(")")]),
    user: .init(open: [.text("U:")], close: [.text("\n")]),
    assistant: .init(open: [.text("A:")], close: [.text(closes ? "\n" : ")")]), endTokens: [end])
  format.closesPastAnswers = closes
  format.answerPrefix = prefix
  return format
}

/// The bytes that each token stands for in the dialogue, and where the answers stand in it.
private func expected(
  _ turns: [Turn], _ tokens: [Int32], _ tokenizer: Tokenizer
) -> [[Int32]] {
  let format = tokenizer.chatFormat
  var (length, answers): (Int, [Range<Int>]) = (0, [])
  func add(_ text: String) { length += text.utf8.count }
  for turn in turns {
    for case .text(let text) in format.frame(of: turn.role).open { add(text) }
    let start = length
    if turn.role == .assistant { add(format.answerPrefix) }
    add(turn.content)
    if turn.role == .assistant { answers.append(start..<length) }
    for case .text(let text) in format.frame(of: turn.role).close { add(text) }
  }
  var (byte, found) = (0, Array(repeating: [Int32](), count: answers.count))
  for token in tokens {
    let count = token == end ? 0 : tokenizer.decode([token], continuing: true).count
    let range = byte..<byte + count
    for (index, answer) in answers.enumerated() {
      let isWithin = count > 0 && answer.lowerBound <= range.lowerBound && range.upperBound <= answer.upperBound
      // An end token stands right behind its answer, and an empty answer is its end alone.
      if isWithin || token == end && byte == answer.upperBound { found[index].append(token) }
    }
    byte = range.upperBound
  }
  return found
}

@Suite("The answers of a dialogue in tokens")
struct AnswerSpanTests {
  @Test("the answers of a prompt are the tokens that lie wholly within them, and their ends")
  func within() throws {
    var crossed = 0
    for (closes, prefix) in [(true, ""), (false, ""), (true, " "), (false, " ")] {
      let tokenizer = try tokenizer(format(closes: closes, prefix: prefix))
      var random = RandomStream(seed: 3, purpose: "tests/answers \(closes)\(prefix)")
      for _ in 0..<300 {
        let turns = (0..<1 + random.below(6)).map { _ in
          Turn(
            random.pick([.system, .user, .assistant, .assistant]),
            String((0..<random.below(6)).map { _ in random.pick(Array("((ab):\n é")) }))
        }
        let (tokens, answers) = tokenizer.encodeShowingAnswers(prompt: turns)
        #expect(tokens == tokenizer.encode(prompt: turns))
        #expect(answers.map { Array(tokens[$0]) } == expected(turns, tokens, tokenizer), "\(turns)")
        #expect(zip(answers, answers.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        let texts = turns.filter { $0.role == .assistant }.map { prefix + $0.content }
        crossed += zip(texts, answers).count { text, span in
          tokenizer.decode(tokens[span], continuing: true) != Array(text.utf8)
        }
      }
    }
    // Tokens that cross a boundary do occur here.
    #expect(crossed > 50)
  }

  @Test("an answer and its end are what the same answer is as a completion, where its frame is tokens")
  func completions() {
    let turns = [
      Turn(.system, "Be."), Turn(.user, "Hello"), Turn(.assistant, "Hi!"), Turn(.user, ""),
      Turn(.assistant, ""), Turn(.assistant, "aa bb"), Turn(.user, "Bye"),
    ]
    let (tokens, answers) = sampleTokenizer.encodeShowingAnswers(prompt: turns)
    #expect(tokens == sampleTokenizer.encode(prompt: turns))
    #expect(
      answers.map { Array(tokens[$0]) }
        == ["Hi!", "", "aa bb"].map { sampleTokenizer.encode(completion: $0) })
  }
}
