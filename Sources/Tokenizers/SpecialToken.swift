/// The special tokens of a tokenizer that tinyrlhf trains: their ids are their places here.
enum SpecialToken: Int32, CaseIterable, Sendable {
  case end, system, user, assistant

  /// How it is shown to people: `<|end|>`.
  var name: String { "<|\(self)|>" }
}
