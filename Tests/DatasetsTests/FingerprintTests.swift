import Dialogues
import Testing

@testable import Datasets

@Suite struct FingerprintTests {
  private func row(_ prompt: String, _ answer: String) -> RowFingerprint {
    RowFingerprint(.demonstration(Demonstration(prompt: Prompt(prompt), completion: answer)))
  }

  private func ranking(_ ranks: [Int], labeler: String? = nil) -> RowFingerprint {
    RowFingerprint(
      .comparison(
        Comparison(
          prompt: Prompt("p"), completions: ["a", "b"], ranks: ranks, labeler: labeler)))
  }

  @Test("a row that comes again is a duplicate, and near if only white space and case differ")
  func novelty() {
    var seen = SeenRows()
    #expect(seen.add(row("Who am I?", "Ändern")) == .new)
    #expect(seen.add(row("Who am I?", "Ändern")) == .duplicate)
    #expect(seen.add(row(" who\n\tAM  i? ", "äNDERN ")) == .near)
    #expect(seen.add(row(" who\n\tAM  i? ", "äNDERN ")) == .duplicate)
    #expect(seen.add(row("Who amI?", "Ändern")) == .new)
  }

  @Test("texts do not flow into each other: where one ends counts, and who speaks")
  func boundaries() {
    var seen = SeenRows()
    let turns = [
      [Turn(.user, "ab"), Turn(.user, "c")], [Turn(.user, "a"), Turn(.user, "bc")],
      [Turn(.user, "abc")], [Turn(.system, "ab"), Turn(.user, "c")], [Turn(.user, "ab c")],
    ]
    for turns in turns {
      #expect(seen.add(RowFingerprint(.prompt(Prompt(turns: turns)))) == .new)
    }
    #expect(seen.add(row("abc", "")) == .new)
    #expect(seen.add(RowFingerprint(.document("abc"))) == .new)
  }

  @Test("another ranking of the same answers, or another labeler's, is another row")
  func rankings() {
    var seen = SeenRows()
    #expect(seen.add(ranking([1, 2])) == .new)
    #expect(seen.add(ranking([2, 1])) == .new)
    #expect(seen.add(ranking([1, 2], labeler: "ann")) == .new)
    #expect(seen.add(ranking([1, 2])) == .duplicate)
  }

  @Test("a split has a row's prompt, or its prompt with one of its answers, or its document")
  func splits() {
    var split = OtherSplit()
    split.add(ranking([1, 2]))
    split.add(RowFingerprint(.document("A b")))
    #expect(split.hasPrompt(of: row("P ", "x")) && !split.hasAnswer(of: row("P", "x")))
    #expect(split.hasAnswer(of: row("p", "B")))
    #expect(!split.hasPrompt(of: row("q", "a")) && !split.hasAnswer(of: row("q", "a")))
    let document = RowFingerprint(.document("a  b"))
    #expect(split.hasAnswer(of: document) && !split.hasPrompt(of: document))
  }

  @Test("control characters and U+FFFD are seen, and line ends, tabs and other scripts are not")
  func flaws() {
    #expect(TextFlaws("a\tb\r\nc é 中 \u{FFFC} \u{A0}") == [])
    for control in ["\0", "\u{8}", "\u{B}", "\u{1B}[0m", "\u{7F}", "\u{80}", "\u{9F}"] {
      #expect(TextFlaws("a\(control)b") == .controls, "\(control.debugDescription)")
    }
    #expect(TextFlaws("a\u{FFFD}") == .replacements)
    #expect(TextFlaws("\u{1}\u{FFFD}") == [.controls, .replacements])
  }

  @Test("a long answer seems cut when it ends with a letter, a comma or a hyphen")
  func cut() {
    let long = String(repeating: "word ", count: 20)
    for end in ["and", "und über", "so,", "well-", "中", "the \n"] {
      #expect((long + end).seemsCut, "\(end)")
      #expect(!end.seemsCut)
    }
    for end in ["end.", "so!", "“yes”", "x = 3", "}", "。", "…", "```\n"] {
      #expect(!(long + end).seemsCut, "\(end)")
    }
  }
}
