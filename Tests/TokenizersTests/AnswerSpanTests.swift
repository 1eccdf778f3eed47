import Dialogues
import Support
import Testing

@testable import Tokenizers

/// Frames of fixed text around what each speaker says.
private struct Frames {
  var frames: [Speaker: (open: String, close: String)] = [:]
  /// White space before an answer's text that an open answer does not have yet.
  var prefix = ""
  var endsWithToken = false

  init(_ random: inout RandomStream) {
    for speaker in [Speaker.system, .user, .assistant] {
      frames[speaker] = (random.pick(["S:", "(", "<|im_start|>(", "a", ""]), random.pick(["\n", ")", "", "b\n"]))
    }
    prefix = random.pick(["", "", " ", "\n"])
    endsWithToken = random.below(2) == 0
  }

  private func close(_ speaker: Speaker) -> String {
    (speaker == .assistant && endsWithToken ? "<|im_end|>" : "") + frames[speaker]!.close
  }

  var template: String {
    func literal(_ text: String) -> String { "'\(text.replacing("\n", with: "\\n"))'" }
    let branches = [Speaker.system, .user, .assistant].map { speaker in
      let open = frames[speaker]!.open + (speaker == .assistant ? prefix : "")
      return "{%- if m.role == '\(speaker.rawValue)' %}{{- \(literal(open)) + m.content + \(literal(close(speaker))) }}"
        + "{%- endif %}"
    }
    return "{%- for m in messages %}\(branches.joined()){%- endfor %}"
      + "{%- if add_generation_prompt %}{{- \(literal(frames[.assistant]!.open)) }}{%- endif %}"
  }

  /// The text of a dialogue up to the end of its last turn's answer, and where the answers stand in it, with what ends
  /// them: the end token, or the frame's text where no token does.
  func expected(_ turns: [Turn]) -> (text: String, answers: [Int: Range<Int>]) {
    var text = ""
    var answers: [Int: Range<Int>] = [:]
    for (index, turn) in turns.enumerated() {
      text += frames[turn.role]!.open
      let start = text.utf8.count
      if turn.role == .assistant { text += prefix }
      text += turn.content
      let isLast = index == turns.count - 1
      text += isLast && endsWithToken && turn.role == .assistant ? "<|im_end|>" : close(turn.role)
      guard turn.role == .assistant else { continue }
      let end = text.utf8.count - (endsWithToken && !isLast ? frames[.assistant]!.close.utf8.count : 0)
      answers[index] = start..<end
    }
    return (text, answers)
  }
}

@Suite("The answers of a dialogue in tokens")
struct AnswerSpanTests {
  private var lab: TemplateLab {
    // ":(" and "))" are one piece of text whatever they belong to, and so is "\n\n".
    var lab = TemplateLab()
    lab.merges = [":(", "((", "))", "()", "ab", "aa", "\n\n", " a"]
    return lab
  }

  /// The tokens that lie wholly within some bytes.
  private func within(_ bytes: Range<Int>, _ tokens: [Int32], _ tokenizer: Tokenizer) -> [Int32] {
    var byte = 0
    return tokens.filter { token in
      let range = byte..<byte + tokenizer.decode([token], continuing: true, namingSpecialTokens: true).count
      byte = range.upperBound
      return bytes.lowerBound <= range.lowerBound && range.upperBound <= bytes.upperBound
    }
  }

  private func turns(_ random: inout RandomStream) -> [Turn] {
    (0..<1 + random.below(6)).map { _ in
      Turn(
        random.pick([.system, .user, .assistant, .assistant]),
        String((0..<random.below(6)).map { _ in random.pick(Array("((ab):\n é")) })
          + random.pick(["", "", "<|im_end|>"]))
    }
  }

  @Test("the answers of a dialogue are the tokens that lie wholly within them, and their ends")
  func within() throws {
    var (crossed, several) = (0, 0)
    for round in 0..<40 as Range<UInt64> {
      var random = RandomStream(seed: 3, purpose: "tests/answers", index: round)
      let frames = Frames(&random)
      let tokenizer = try lab.tokenizer(frames.template)
      for _ in 0..<12 {
        let turns = turns(&random)
        let answers = turns.indices.filter { turns[$0].role == .assistant }
        let learning = answers.filter { _ in random.below(3) > 0 }
        guard let last = learning.last else { continue }
        let sequences = try tokenizer.encode(dialogue: Prompt(turns: turns), learning: learning)
        let expected = frames.expected(Array(turns[...last]))
        #expect(sequences.count == 1, "\(frames) \(turns)")
        let (tokens, learnt) = (sequences[0].tokens, sequences[0].learnt)
        #expect(
          tokenizer.decodeString(tokens, continuing: true, namingSpecialTokens: true) == expected.text, "\(frames)")
        let wanted = learning.map { within(expected.answers[$0]!, tokens, tokenizer) }
        #expect(learnt.map { Array(tokens[$0]) } == wanted.filter { !$0.isEmpty }, "\(frames) \(turns) \(learning)")
        #expect(zip(learnt, learnt.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
        several += learnt.count > 1 ? 1 : 0
        crossed += zip(learning, wanted).count { turn, tokens in
          tokenizer.decode(tokens, continuing: true, namingSpecialTokens: true).count != expected.answers[turn]!.count
        }
      }
    }
    // Tokens that cross a boundary do occur here, and sequences with several answers.
    #expect(crossed > 30 && several > 50, "\(crossed) \(several)")
  }

  @Test("without an answer that is learnt, the sequence is the whole dialogue")
  func nothingLearnt() throws {
    let tokenizer = try lab.tokenizer(TemplateLab.chatml)
    let dialogue = Prompt(turns: [Turn(.user, "a"), Turn(.assistant, "b"), Turn(.user, "c")])
    let sequences = try tokenizer.encode(dialogue: dialogue, learning: [])
    #expect(try sequences == [LearntTokens(tokens: tokenizer.encode(dialogue: dialogue), learnt: [])])
  }
}
