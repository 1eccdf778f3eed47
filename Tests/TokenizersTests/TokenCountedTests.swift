import Dialogues
import Testing

@testable import Tokenizers

@Test("a record has as many tokens as the longest sequence that becomes of it, and fits what leaves room for that")
func tokenCounts() throws {
  // `<|user|>` and `<|assistant|>` and `<|end|>`, and one token a byte.
  let tokenizer = Tokenizer.train(on: [String](), vocabularySize: 260)
  let demonstration = Demonstration(prompt: Prompt("12"), completion: "345")
  #expect(try demonstration.tokenCount(tokenizer) == 2 + 2 + 3 + 1)
  let comparison = Comparison(
    prompt: Prompt("12"), completions: ["3", "345", ""], ranks: [1, 2, 3])
  #expect(try comparison.tokenCount(tokenizer) == 2 + 2 + 3 + 1)
  #expect(try comparison.fits(context: 8, tokenizer: tokenizer))
  #expect(try !comparison.fits(context: 8, reserve: 1, tokenizer: tokenizer))
}
