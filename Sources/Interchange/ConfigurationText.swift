import Models
import Support

extension Family {
  /// The fields of `config.json`, in the form that `transformers` 4 writes and 5 also reads.
  func configuration(_ a: Architecture, rewardHead: RewardHead?) -> [String: JSONValue] {
    var fields = write(a)
    fields["architectures"] = .array([.string((rewardHead == nil ? nil : classifier) ?? languageModel)])
    fields["model_type"] = .string(modelType)
    fields["vocab_size"] = .count(a.vocabulary)
    fields["tie_word_embeddings"] = .bool(a.tiedEmbeddings)
    fields["use_cache"] = .bool(true)
    if let rewardHead {
      fields["id2label"] = .object(["0": .string("reward")])
      fields["label2id"] = .object(["reward": .number(0)])
      fields[RewardHead.key] = rewardHead.json
    }
    return fields
  }
}

extension JSONValue {
  static func count(_ value: Int) -> JSONValue { .number(Double(value)) }

  /// A decimal number with a point, for a key that `transformers` accepts only as a float. A whole number would be written
  /// without one, so the next larger number takes its place.
  static func point(_ value: Float) -> JSONValue {
    value == value.rounded() ? .number(Double(value).nextUp) : decimal(value)
  }
}
