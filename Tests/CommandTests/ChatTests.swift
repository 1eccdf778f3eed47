import Support
import TestSupport
import Testing

/// `chat`, whose answers are `generate`'s.
@Suite(.serialized) struct ChatTests {
  private let tiny: TinyModels
  private var program: Program { tiny.program }
  private static let sampling = ["--max-new-tokens", "12", "--seed", "5"]

  init() throws { tiny = try TinyModels() }

  private struct Turn: Encodable {
    let role: String
    let content: String
  }

  /// `generate`'s answer to a dialogue, drawn from the stream of line `line` of the chat.
  private func answer(_ turns: [Turn], line: Int, _ more: [String] = []) throws -> String {
    // Each line draws from its own stream; the lines before are blank and answered by nothing.
    let input = String(repeating: "\n", count: line - 1) + (try JSON.line(["prompt": turns])) + "\n"
    let result = try program.run(["generate", tiny.sft] + Self.sampling + more, input: input)
    try #require(result.exitCode == 0, "\(result.errorText)")
    return try #require(try result.objects().first?["completion"]?.string)
  }

  /// A turn of so many tokens or a few more.
  private func lineOf(tokens: Int) throws -> String {
    let word = try program.run("tokenize", tiny.sft, input: "{\"text\":\" and\"}\n").objects()[0]
    let length = try #require(word["tokens"]?.array?.count)
    return "and" + String(repeating: " and", count: tokens / length)
  }

  private func chat(_ input: String, _ more: [String] = []) throws -> ChildProcess.Result {
    try program.run(["chat", tiny.sft] + Self.sampling + more, input: input)
  }

  @Test("a dialogue carries its turns along until /reset; blank lines are none; the end leaves with 0")
  func dialogue() throws {
    let first = try answer([Turn(role: "user", content: "Hi")], line: 1)
    let second = try answer(
      [
        Turn(role: "user", content: "Hi"), Turn(role: "assistant", content: first),
        Turn(role: "user", content: "Who?"),
      ], line: 3)
    let afresh = try answer([Turn(role: "user", content: "Who?")], line: 5)
    let result = try chat("Hi\n   \nWho?\n/reset\nWho?")
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(result.outputText == "\(first)\n\(second)\n\(afresh)\n")
    #expect(result.errorText.isEmpty, "\(result.errorText)")
    let nothing = try chat("")
    #expect(nothing.exitCode == 0 && nothing.standardOutput.isEmpty && nothing.errorText.isEmpty)
  }

  @Test("the oldest turns go, aloud, when the context is full, and the answer rests on the others")
  func forgets() throws {
    let lines = (1...4).map { "this is line \($0) of a talk " + String(repeating: "so ", count: 8) }
    let result = try chat(lines.joined(separator: "\n"))
    #expect(result.exitCode == 0, "\(result.errorText)")
    #expect(result.errorText.contains("oldest turns are removed"), "\(result.errorText)")
    // A line that leaves no room for another beside it is answered as if it were the first.
    let alone = try lineOf(tokens: 100)
    let last = try chat((lines + [alone]).joined(separator: "\n"))
    #expect(last.outputText.hasPrefix(result.outputText))
    let expected = try answer([Turn(role: "user", content: alone)], line: 5)
    #expect(last.outputText.dropFirst(result.outputText.count) == "\(expected)\n")
  }

  @Test("a turn longer than the context is refused with its line, and the dialogue goes on without it")
  func refusesLongTurns() throws {
    let long = String(repeating: "a b ", count: 200)
    let result = try chat("\(long)\nHi\n")
    #expect(result.exitCode == 65)
    #expect(result.errorText.contains("stdin:1: this turn has"), "\(result.errorText)")
    #expect(result.errorText.contains("shorter turn"), "\(result.errorText)")
    let expected = try answer([Turn(role: "user", content: "Hi")], line: 2)
    #expect(result.outputText == "\(expected)\n")
  }

  @Test("what is printed as it comes is the answer that generate gives, stop texts and bad UTF-8 too")
  func streams() throws {
    // An untrained model writes any bytes, whole characters seldom.
    for seed in 1...6 {
      for more in [[], ["--stop", "e", "--stop", " a"], ["--stop", "\u{FFFD}", "--stop", "1"]] {
        let options = more + ["--temperature", "1.2", "--max-new-tokens", "40", "--seed", "\(seed)"]
        let expected = try answer([Turn(role: "user", content: "Hi")], line: 1, options)
        #expect(try chat("Hi", options).outputText == "\(expected)\n", "\(options)")
      }
    }
  }
}
