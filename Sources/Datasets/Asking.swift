import Dialogues
import Support

/// What a row asks, under the names that data sets give it.
enum Asking {
  /// In the order in which they are taken.
  static let others = ["question", "query", "instruction", "input"]

  /// Whether one of the names stands in a row with something in it.
  static func isThere(_ row: JSONObject) -> Bool {
    row["prompt"] != nil || others.contains { row[$0].map { !$0.isEmpty } ?? false }
  }

  /// Whether a row asks by another name than `prompt`.
  static func hasOtherName(_ row: JSONObject) -> Bool {
    others.contains { row[$0].map { !$0.isEmpty } ?? false }
  }

  /// The prompt of a row: `prompt`, or what stands in its place.
  /// - Throws: `Failure(.badData)` where there is none, and where two names say different things.
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

  /// As Alpaca joins them: the input, if there is one, stands below the instruction.
  static func joined(_ row: RowFields) throws -> String {
    let instruction = try row.text("instruction")
    let input = try row.optionalText("input") ?? ""
    return input.isBlank || input.lowercased() == "<noinput>" ? instruction : "\(instruction)\n\n\(input)"
  }

  /// A prompt may have been made of what other keys hold; where it was not, they say something else.
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
        .badData, "\"\(name)\" and \"\(key)\" both say what is asked, and differ",
        remedy: "Write the whole question as \"prompt\".")
    }
  }
}

/// What a row answers, under the names that data sets give it.
enum Answering {
  private static let names = ["completion", "answer", "response", "output"]

  /// - Parameter nulls: whether a key counts that holds null.
  static func isThere(_ row: JSONObject, nulls: Bool = true) -> Bool {
    names.contains { row[$0].map { nulls || !$0.isNull } ?? false }
  }

  /// The answer and the key that it stands under; the first in order, and the others are not used.
  static func answer(_ row: RowFields) throws -> (value: JSONValue, key: String) {
    let key = names.first { row.object[$0].map { !$0.isNull } ?? false } ?? names.first { row.object[$0] != nil }
    guard let key else { throw Failure(.badData, "the key \"completion\" is missing") }
    return (try row.value(key), key)
  }
}
