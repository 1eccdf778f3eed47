/// How dialogues and documents become tokens: the same way in every stage.
///
///     prompt       for each turn <|role|> content, past assistant turns closed by <|end|>;
///                  then <|assistant|>
///     completion   text <|end|>
///     dialogue     for each turn <|role|> content, assistant turns closed by <|end|>
///     document     <|end|> text <|end|>
///
/// Each text is encoded by itself, so a prompt and its completion are exactly the dialogue:
/// `encode(prompt: p) + encode(completion: c) == encode(dialogue: p + [Turn(.assistant, c)])`.
extension Tokenizer {
  /// What the policy sees before it answers.
  public func encode(prompt turns: [Turn]) -> [Int32] {
    encode(dialogue: turns) + [SpecialToken.assistant.rawValue]
  }

  /// What the policy should have written, with its end.
  public func encode(completion text: String) -> [Int32] {
    encode(text) + [SpecialToken.end.rawValue]
  }

  /// A whole dialogue, every assistant turn closed.
  public func encode(dialogue turns: [Turn]) -> [Int32] {
    var tokens: [Int32] = []
    for turn in turns {
      tokens.append(turn.role.token)
      tokens.append(contentsOf: encode(turn.content))
      if turn.role == .assistant { tokens.append(SpecialToken.end.rawValue) }
    }
    return tokens
  }

  /// A plain text for pretraining, closed on both sides.
  public func encode(document text: String) -> [Int32] {
    let end = SpecialToken.end.rawValue
    return [end] + encode(text) + [end]
  }

  /// The text of a completion, up to its end token if it has one.
  public func decode(completion tokens: some Sequence<Int32>) -> String {
    decodeString(tokens.prefix { $0 != SpecialToken.end.rawValue })
  }
}
