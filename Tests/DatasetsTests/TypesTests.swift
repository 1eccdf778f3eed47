import Dialogues
import Support
import Testing

@Suite struct TypesTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test("a prompt of one user turn is a string in JSON, any other a list of messages")
  func promptJSON() throws {
    #expect(try JSON.line(Prompt("Hi \"é\"")) == "\"Hi \\\"é\\\"\"")
    let system = Prompt(turns: [Turn(.system, "Be kind."), Turn(.user, "Hi")])
    #expect(
      try JSON.line(system)
        == #"[{"content":"Be kind.","role":"system"},{"content":"Hi","role":"user"}]"#)
    for prompt in [Prompt("Hi"), system, Prompt(turns: [Turn(.system, "x")]), Prompt("")] {
      let back = try JSON.decode(Prompt.self, from: try JSON.encode(prompt), at: "test")
      #expect(back == prompt)
    }
  }

  @Test("demonstrations and comparisons read back as they were written")
  func roundTrips() throws {
    let demonstration = Demonstration(prompt: Prompt("a"), completion: "b\n")
    #expect(
      try JSON.decode(Demonstration.self, from: try JSON.encode(demonstration), at: "test")
        == demonstration)
    let bare = Comparison(prompt: Prompt("a"), completions: ["b", "c"], ranks: [2, 1])
    let full = Comparison(
      prompt: Prompt("a"), completions: ["b", "c", "d"], ranks: [1, 2, 2], labeler: "ann",
      policy: "sft", seconds: 1.5, margin: 0.25)
    for comparison in [bare, full] {
      #expect(
        try JSON.decode(Comparison.self, from: try JSON.encode(comparison), at: "test")
          == comparison)
    }
    #expect(try JSON.line(bare) == #"{"completions":["b","c"],"prompt":"a","ranks":[2,1]}"#)
  }

  @Test("a comparison has at least two answers, and a rank from 1 for each")
  func invalid() {
    func decode(_ completions: String, _ ranks: String) -> String {
      failure {
        try JSON.decode(
          Comparison.self,
          from: bytes(#"{"prompt":"a","completions":\#(completions),"ranks":\#(ranks)}"#), at: "x")
      }
    }
    #expect(decode(#"["a"]"#, "[1]").contains("needs two answers or more, not 1"))
    #expect(decode(#"["a","b"]"#, "[1]").contains("2 answers and 1 ranks"))
    #expect(decode(#"["a","b"]"#, "[0,1]").contains("a rank is 0"))
    #expect(decode(#"["a","b"]"#, "[1,2]") == "no failure")
  }

  @Test("the best answer has the lowest rank, the first of several; equal ranks are all ties")
  func best() {
    func comparison(_ ranks: [Int]) -> Comparison {
      Comparison(prompt: Prompt("p"), completions: ["a", "b", "c"], ranks: ranks)
    }
    #expect(comparison([3, 1, 2]).best == "b")
    #expect(comparison([2, 1, 1]).best == "b")
    #expect(comparison([4, 4, 4]).best == "a")
    #expect(comparison([4, 4, 4]).isAllTies)
    #expect(!comparison([4, 4, 5]).isAllTies)
  }
}
