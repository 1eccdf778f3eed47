import Testing

@testable import Tokenizers

@Suite struct ChatFormatTests {
  private let turns = [
    Turn(.system, "Be kind."), Turn(.user, "Hello"), Turn(.assistant, "Hi!"), Turn(.user, ""),
  ]
  private func text(_ text: String) -> [Int32] { sampleTokenizer.encode(text) }

  @Test("ids 0 to 3 are end, system, user and assistant")
  func identifiers() {
    #expect(SpecialToken.allCases.map(\.rawValue) == [0, 1, 2, 3])
    let names = SpecialToken.allCases.map(\.name)
    #expect(names == ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"])
    let frames = [Speaker.system, .user, .assistant].map { ChatFormat.tinyrlhf.frame(of: $0).open }
    #expect(frames == [[.token(1)], [.token(2)], [.token(3)]])
  }

  @Test("a prompt is its turns, past answers closed, and the assistant's token")
  func prompt() {
    let expected =
      [1] + text("Be kind.") + [2] + text("Hello") + [3] + text("Hi!") + [0] + [2] + [3]
    #expect(sampleTokenizer.encode(prompt: turns) == expected)
    #expect(sampleTokenizer.encode(prompt: []) == [3])
  }

  @Test("a prompt and its completion are exactly the dialogue")
  func oneFunction() {
    for answer in ["", "Fine.", " spaced ", "<|end|>"] {
      let prompt = sampleTokenizer.encode(prompt: turns)
      let completion = sampleTokenizer.encode(completion: answer)
      #expect(
        prompt + completion == sampleTokenizer.encode(dialogue: turns + [Turn(.assistant, answer)])
      )
      #expect(completion.last == 0)
      #expect(sampleTokenizer.decode(completion: completion) == answer)
      #expect(sampleTokenizer.decode(completion: completion.dropLast()) == answer)
    }
  }

  @Test("a document is closed on both sides")
  func document() {
    #expect(sampleTokenizer.encode(document: "Once.") == [0] + text("Once.") + [0])
  }
}
