/// The special tokens of a tokenizer that tinyrlhf trains; the raw values are their ids.
enum SpecialToken: Int32, CaseIterable, Sendable {
  case end, system, user, assistant

  /// The name shown to people: `<|end|>`.
  var name: String { "<|\(self)|>" }
}
