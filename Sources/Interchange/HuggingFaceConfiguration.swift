import Models
import Support

/// The model that a `config.json` describes. Every field that affects the computation is read; what this program does
/// not compute is refused by name.
struct HuggingFaceConfiguration {
  let family: Family
  let architecture: Architecture
  /// Whether this is a sequence-classification model with one label.
  let isReward: Bool
  /// The additional values that our own exports of reward models contain; see `RewardHead`.
  let rewardHead: RewardHead?
  /// For a classifier: the padding token of batches, after which no score is read.
  let padToken: Int?
  /// Ignored fields, and fields with two different values; one sentence each.
  let warnings: [String]

  /// The name of its class in `transformers`.
  var className: String { (isReward ? family.classifier : nil) ?? family.languageModel }

  /// - Throws: `Failure(.badData)` naming the field.
  init(_ fields: ConfigurationFields) throws {
    (family, isReward) = try Self.classes(fields)
    let family = self.family
    var warnings = try fields.requireKnown { ConfigurationKey.named($0, of: family)?.use }
    architecture = try family.read(fields, &warnings)
    try architecture.validate(at: fields.place)
    if isReward { try Self.requireOneLabel(fields) }
    rewardHead = isReward ? try RewardHead(fields) : nil
    padToken = try fields.padToken(
      vocabulary: architecture.vocabulary, isReward: isReward, default: family.standardPad, &warnings)
    self.warnings = warnings
  }

  private static func classes(_ fields: ConfigurationFields) throws -> (Family, isReward: Bool) {
    guard let names = try fields.optionalList("architectures")?.map(\.string), names.count == 1,
      let name = names[0]
    else {
      throw fields.failure(
        "\"architectures\" does not name one class", remedy: "Copy the file again, or add the class.")
    }
    let type = try fields.optionalText("model_type")
    for family in Family.all where [family.languageModel, family.classifier].contains(name) {
      guard type == nil || type == family.modelType else {
        throw fields.failure(
          "the architecture is \(name), but \"model_type\" is \"\(type!)\"", remedy: "Correct one of the two.")
      }
      return (family, name == family.classifier)
    }
    let known = Family.all.map(\.languageModel).joined(separator: ", ")
    throw fields.failure(
      "the architecture \(name) is unknown",
      remedy: "Supported: \(known), and the same families' …ForSequenceClassification with one label.")
  }

  private static func requireOneLabel(_ fields: ConfigurationFields) throws {
    var labels = 2
    if let names = try fields.optionalFields("id2label") { labels = names.object.count }
    labels = try fields.optionalCount("num_labels") ?? labels
    guard labels == 1 else {
      throw fields.failure(
        "the classifier has \(labels) labels, but a reward model has one",
        remedy: "Import a model with one label.")
    }
  }
}

extension ConfigurationFields {
  func heads(_ key: String, of width: Int, named widthKey: String) throws -> Int {
    let heads = try count(key)
    try requireDivisible(width, named: widthKey, by: heads, named: key)
    return heads
  }

  func requireDivisible(_ whole: Int, named wholeKey: String, by part: Int, named key: String) throws {
    guard whole % part == 0 else {
      throw failure(
        "\"\(wholeKey)\" \(whole) is not divisible by \"\(key)\" \(part)", remedy: "Correct one of the two.")
    }
  }

  /// A count with two names; `transformers` accepts both.
  func alias(_ key: String, or other: String) throws -> Int {
    guard let second = try optionalCount(other) else { return try count(key) }
    guard let first = try optionalCount(key), first != second else { return second }
    throw failure(
      "\"\(key)\" is \(first), but \"\(other)\", another name for it, is \(second)",
      remedy: "Correct one of the two.")
  }

  /// - Returns: nil for a language model, or if there is no such token in the embedding.
  fileprivate func padToken(
    vocabulary: Int, isReward: Bool, default standard: Int?, _ warnings: inout [String]
  ) throws -> Int? {
    guard let number = try optionalNumber("pad_token_id") else {
      guard isReward, object["pad_token_id"] == nil, let standard else { return nil }
      return standard < vocabulary ? standard : nil
    }
    guard let token = Int(exactly: number) else {
      throw failure("\"pad_token_id\" is not a whole number", remedy: "Copy the file again, or correct it.")
    }
    guard (0..<vocabulary).contains(token) else {
      warnings.append(
        "\(place): \"pad_token_id\" is \(token), but the embedding has \(vocabulary) rows: the token is left out.")
      return nil
    }
    return isReward ? token : nil
  }

  /// An MLP with or without a gate.
  /// - Throws: `Failure(.badData)` for an activation that is unknown or is none of `allowed`.
  func mlp(
    _ key: String, default standard: String, isGated: Bool, allowed: [Activation]
  ) throws -> Architecture.MLP {
    let name = try optionalText(key) ?? standard
    let activation: Activation
    switch name {
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": activation = .geluTanh
    case "gelu": activation = .geluExact
    case "silu", "swish": activation = .silu
    default:
      throw failure(
        "the activation \"\(name)\" (\"\(key)\") is unknown",
        remedy: "Supported: gelu, gelu_new, gelu_fast, gelu_pytorch_tanh and silu.")
    }
    guard allowed.contains(activation) else {
      throw unsupported("the activation \"\(name)\" (\"\(key)\") does not suit this architecture")
    }
    return Architecture.MLP(activation, isGated: isGated)
  }

  func rotaryDim(_ share: Double, of headDim: Int) throws -> Int {
    let count = share > 0 && share <= 1 ? Double(headDim) * share : 0
    guard Int(count) >= 2, Int(count) % 2 == 0 else {
      throw unsupported("the rotary share \(share) of a head of \(headDim) is not an even number of elements")
    }
    return Int(count)
  }
}
