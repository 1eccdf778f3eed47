import Models
import Support

extension Family {
  /// Llama without biases, with a sliding window in every layer or in none.
  static let mistral: Family = Family(
    name: "Mistral", modelType: "mistral", ggufName: "llama", isOwnGGUF: false, tensors: .llama,
    ggufTensors: .ggufPairs,
    keys: llamaKeys + use(["sliding_window"]) + [("attention_bias", .off), ("mlp_bias", .off)],
    features: [.ropeScaling, .window],
    read: { fields, warnings in
      var a = try fields.likeLlama(.mistral, keyValueHeads: 8, &warnings)
      // A missing key means the class's default; null means no window.
      a.window = try fields.optionalCount("sliding_window") ?? (fields.object["sliding_window"] == nil ? 4096 : 0)
      let hasWindow = a.window > 0
      // With such a list, `transformers` loads another class, Ministral.
      guard try fields.slidingLayers(default: { _ in hasWindow }).allSatisfy({ $0 == hasWindow }) else {
        throw fields.unsupported("\"layer_types\" contradicts \"sliding_window\"")
      }
      return a
    },
    write: { a in likeLlama(a).merging(["sliding_window": a.window == 0 ? .null : .count(a.window)]) { $1 } },
    readGGUF: { try $0.likeLlama(&$1) },
    ggufRefusal: { $0.window == 0 || $0.window >= $0.context ? nil : "a sliding window in the architecture llama" })
}
