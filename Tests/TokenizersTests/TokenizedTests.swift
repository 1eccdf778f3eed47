import Dialogues
import Testing

@testable import Tokenizers

@Test("a record counts the tokens of every sequence that is made of it")
func countsOfTokens() throws {
  // `<|user|>` and `<|assistant|>` and `<|end|>`, and one token a byte.
  let tokenizer = Tokenizer.train(on: [String](), vocabularySize: 260)
  let demonstration = Demonstration(prompt: Prompt("12"), completion: "345")
  #expect(try Tokenized(demonstration, tokenizer).longest == 2 + 2 + 3 + 1)
  let comparison = Comparison(
    prompt: Prompt("12"), completions: ["3", "345", ""], ranks: [1, 2, 3])
  #expect(try Tokenized(comparison, tokenizer).counts == [6, 8, 5])
}

@Test("records become the same tokens, in their order, on any threads")
func tokensOnThreads() throws {
  let builtIn = Tokenizer.train(on: ["one two three"], vocabularySize: 270)
  let prompts = (0..<100).map { Prompt("one \($0) three") }
  for tokenizer in [builtIn, try TemplateLab().tokenizer(TemplateLab.chatml)] {
    let alone = try prompts.map { try tokenizer.encode(prompt: $0) }
    for threads in [1, 3] {
      let tokenized = try prompts.tokenized(tokenizer, threads: threads)
      #expect(tokenized.map(\.tokens) == alone && tokenized.map(\.record) == prompts)
    }
  }
}
