import Tokenizers

/// The regular expressions for which the tokenizer has scanners. Any other expression is refused.
enum SplitPatterns {
  typealias Splitting = TokenizerDefinition.Splitting

  /// This program's own pre-tokenizer, which works on bytes: everything beyond ASCII counts as a letter.
  static let tinyrlhf =
    #" ?[a-zA-Z\x{80}-\x{10FFFF}]+(?:'[a-zA-Z\x{80}-\x{10FFFF}]+)*|[0-9]{1,3}"#
    + #"| ?[^a-zA-Z0-9\t-\r \x{80}-\x{10FFFF}]+|[\t-\r ]+(?= [^0-9\t-\r ])|[\t-\r ]+"#
  static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  static let llama3 = likeLlama3(numbers: #"\p{N}{1,3}"#)
  static let qwen2 = likeLlama3(numbers: #"\p{N}"#)

  private static func likeLlama3(numbers: String) -> String {
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + numbers
      + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  }

  static let known: [(pattern: String, splitting: Splitting)] = [
    (tinyrlhf, .tinyrlhf), (gpt2, .gpt2), (llama3, .llama3), (qwen2, .qwen2),
  ]
}
