import Dialogues
import Support

/// Finds what a row asks, under the various names that data sets use for it.
enum Asking {
  /// In order of preference.
  static let others = ["question", "query", "instruction", "input"]

  /// Whether one of the names is in the row with a non-empty value.
  static func isThere(_ row: JSONObject) -> Bool {
    row["prompt"] != nil || others.contains { row[$0].map { !$0.isEmpty } ?? false }
  }

  /// Whether a row asks under another name than `prompt`.
  static func hasOtherName(_ row: JSONObject) -> Bool {
    others.contains { row[$0].map { !$0.isEmpty } ?? false }
  }

  /// The prompt of a row, from `prompt` or from one of the other names.
  /// - Throws: `Failure(.badData)` if there is none, or if two names ask different things.
  static func prompt(_ row: RowFields) throws -> Prompt {
    if let value = row.object["prompt"], !(value.isNull && hasOtherName(row.object)) {
      _ = row["prompt"]
      let prompt = try Messages.prompt(value, row)
      try requireAgreement(of: prompt, under: "prompt", row, with: others)
      return prompt
    }
    let there = others.filter { row.says($0) }
    guard let name = there.first else { throw Failure(.badData, "the key \"prompt\" is missing") }
    _ = row[name]
    if name == "instruction", there.contains("input") { return Prompt(try joined(row)) }
    let prompt = try Messages.prompt(row.object[name]!, key: name, row)
    try requireAgreement(of: prompt, under: name, row, with: others.filter { $0 != name })
    return prompt
  }

  /// Joins them as Alpaca does: the input, if there is one, follows the instruction.
  static func joined(_ row: RowFields) throws -> String {
    let instruction = try row.text("instruction")
    let input = try row.optionalText("input") ?? ""
    return input.isBlank || input.lowercased() == "<noinput>" ? instruction : "\(instruction)\n\n\(input)"
  }

  /// Requires that other keys agree with the prompt. A prompt may contain the text of other keys (or the reverse); if
  /// neither contains the other, the row is contradictory.
  static func requireAgreement(
    of prompt: Prompt, under name: String, _ row: RowFields, with names: [String]
  ) throws {
    for key in names {
      guard let text = row.object[key]?.string, !text.isBlank else { continue }
      let other = Array(text.utf8).trimmedText
      let agrees = prompt.turns.contains { turn in
        !turn.content.isBlank && (turn.content.holds(other) || other.holds(turn.content))
      }
      if agrees { continue }
      throw Failure(
        .badData, "\"\(name)\" and \"\(key)\" ask different things",
        remedy: "Write the whole question as \"prompt\".")
    }
  }
}

/// Finds what a row answers, under the various names that data sets use for it.
enum Answering {
  private static let names = ["completion", "answer", "response", "output"]

  /// - Parameter nulls: whether a key with a null value counts.
  static func isThere(_ row: JSONObject, nulls: Bool = true) -> Bool {
    names.contains { row[$0].map { nulls || !$0.isNull } ?? false }
  }

  /// The answer and its key: the first key in order that is not null. Other answer keys are not used.
  static func answer(_ row: RowFields) throws -> (value: JSONValue, key: String) {
    let key = names.first { row.object[$0].map { !$0.isNull } ?? false } ?? names.first { row.object[$0] != nil }
    guard let key else { throw Failure(.badData, "the key \"completion\" is missing") }
    return (try row.value(key), key)
  }
}
