import Testing

@testable import Support

@Suite struct SpellingTests {
  @Test(
    "a word that is nearly a known one is taken for it",
    arguments: [
      ("genrate", ["generate"]), ("sampel", ["sample"]), ("EVAL", ["eval"]), ("quant", ["quantize"]),
      ("evla", ["eval"]), ("foo", []), ("x", []), ("", []),
    ])
  func nearest(word: String, expected: [String]) {
    let known = ["all", "sample", "eval", "generate", "quantize", "unpack"]
    #expect(Spelling.nearest(word, in: known) == expected)
  }

  @Test("of words that are equally near all are offered, in their order")
  func several() {
    #expect(Spelling.nearest("pack", in: ["packs", "stack", "jack"]) == ["packs", "jack"])
    #expect(Spelling.question("pack", in: ["packs", "jack"]) == "Did you mean packs or jack?")
    #expect(Spelling.question("alchemy", in: ["packs", "jack"]) == nil)
  }

  @Test("an insertion, an omission, a replacement and an exchange of neighbours are one step each")
  func distance() {
    func steps(_ a: String, _ b: String) -> Int? { Spelling.distance(Array(a), Array(b), below: 4) }
    #expect(steps("check", "check") == 0)
    #expect(steps("chek", "check") == 1)
    #expect(steps("checkk", "check") == 1)
    #expect(steps("chack", "check") == 1)
    #expect(steps("chekc", "check") == 1)
    #expect(steps("abcd", "wxyz") == nil)
    #expect(steps("", "check") == nil)
  }

  @Test("a list is written as people write one")
  func lists() {
    #expect(Spelling.list([]) == "")
    #expect(Spelling.list(["a"]) == "a")
    #expect(Spelling.list(["a", "b", "c"], "or") == "a, b or c")
  }
}

@Suite struct RefusalsTests {
  private func refuse(_ failures: [Failure]) -> Failure? {
    var refusals = Refusals()
    for failure in failures { refusals.add(failure) }
    do { try refusals.throwIfAny() } catch { return error as? Failure }
    return nil
  }

  @Test("nothing wrong is no failure, and one failure stays as it is")
  func few() {
    #expect(refuse([]) == nil)
    let one = Failure(.badData, "is odd", at: "x", remedy: "Make it even.")
    #expect(refuse([one]) == one)
  }

  @Test("several failures are one, with each place that is another and each remedy once, and bad data if any is")
  func several() {
    let all = refuse([
      Failure(.usage, "--a is odd", at: "x", remedy: "Make it even."),
      Failure(.badData, "--b is odd", at: "x", remedy: "Make it even."),
      Failure(.usage, "is empty", at: "y", remedy: "Fill it."),
    ])
    #expect(all?.kind == .badData)
    #expect(all?.description == "x: --a is odd; --b is odd; y: is empty. Make it even. Fill it.")
  }

  @Test("what is gathered does not end the work")
  func gathers() throws {
    var refusals = Refusals()
    var done = 0
    for number in 0..<3 {
      try refusals.gather {
        done += 1
        if number != 1 { throw Failure(.usage, "\(number)") }
      }
    }
    #expect(done == 3)
    let failure = #expect(throws: Failure.self) { try refusals.throwIfAny() }
    #expect(failure?.what == "0; 2")
  }
}
