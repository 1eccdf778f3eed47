import Dialogues
import Support
import Testing

@testable import Stages

@Suite struct RankerTests {
  @Test("a ranker is simulated labelers, a file or a program, and its text names it again")
  func choices() {
    for text in ["simulated", "file:a:b.jsonl", "program:python3 judge.py --threads 2"] {
      #expect(RankerChoice(text)?.text == text)
    }
    #expect(RankerChoice("file:a:b.jsonl") == .file("a:b.jsonl"))
    for text in ["", "file", "file:", "people", "simulated:x", "programm:x", ":x"] {
      #expect(RankerChoice(text) == nil, "\(text)")
    }
  }

  private func answers(_ completions: [String], _ prompt: String = "Hi") -> UnrankedAnswers {
    UnrankedAnswers(prompt: Prompt(prompt), completions: completions, policy: "sft")
  }

  @Test("a ranking is found whatever the order of its answers, and its ranks stay with their answers")
  func anyOrder() {
    let ranked = RankedAnswers([
      Comparison(prompt: Prompt("Hi"), completions: ["c", "a", "b"], ranks: [3, 1, 2], labeler: "Ann", seconds: 4)
    ])
    let found = ranked.rankings(of: answers(["a", "b", "c"]))
    #expect(found.map(\.ranks) == [[1, 2, 3]] && found[0].completions == ["a", "b", "c"])
    #expect(found[0].labeler == "Ann" && found[0].seconds == 4 && found[0].policy == "sft")
    #expect(ranked.rankings(of: answers(["a", "b"])).isEmpty)
    #expect(ranked.rankings(of: answers(["a", "b", "d"])).isEmpty)
    #expect(ranked.rankings(of: answers(["a", "b", "c"], "Ho")).isEmpty)
  }

  @Test("answers with the same text keep all their ranks, and each labeler's ranking counts")
  func equalAnswers() {
    let ranked = RankedAnswers([
      Comparison(prompt: Prompt("Hi"), completions: ["a", "b", "a"], ranks: [1, 3, 2]),
      Comparison(prompt: Prompt("Hi"), completions: ["b", "a", "a"], ranks: [1, 2, 2]),
    ])
    #expect(ranked.rankings(of: answers(["a", "a", "b"])).map(\.ranks) == [[1, 2, 3], [2, 2, 1]])
  }
}
