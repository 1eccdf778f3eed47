import Dialogues
import Support

extension Example {
  /// One row of a known format.
  /// - Throws: `Failure(.badData)` without a place if the row is bad, `Unusable` if it is not usable.
  init(_ row: RowFields, format: DataFormat) throws {
    let context = try RowContext(row)
    let example = try Example(dialogueOf: row, format: format, context)
    self = try context.applied(to: example)
    if let prompt { try check(prompt) }
  }

  private init(dialogueOf row: RowFields, format: DataFormat, _ context: RowContext) throws {
    switch format {
    case .ranked: self = .comparison(try rankedAnswers(row))
    case .openAIPreference: self = .comparison(try openAIPreference(row))
    case .stiennon: self = .comparison(try stiennonSummaries(row))
    case .lmHumanPreferences: self = .comparison(try lmHumanPreference(row))
    case .preference, .hhRLHF, .implicitPreference:
      self = .comparison(
        try preference(row, format: format, context).comparison(
          margin: try row.margin(), labeler: try row.optionalName("labeler")))
    case .unpaired: self = try unpaired(row)
    case .promptCompletion: self = try promptCompletion(row)
    case .messages: self = try dialogue(row, "messages")
    case .shareGPT: self = try dialogue(row, "conversations")
    case .alpaca: self = .demonstration(try alpaca(row))
    case .prompt: self = .prompt(try Asking.prompt(row))
    case .unranked:
      _ = row["completions"]
      self = .prompt(try Asking.prompt(row))
    case .text: self = .document(try row.text("text"))
    case .plainText: throw Failure(.badData, "plain text has no rows")
    }
  }
}

private func check(_ prompt: Prompt) throws {
  if prompt.turns.allSatisfy({ $0.isBlank }) {
    throw Failure(.badData, "the prompt is empty")
  }
  if prompt.turns.last?.role == .assistant {
    throw Failure(.badData, "the prompt ends with a turn of the assistant")
  }
}

private func dialogue(_ row: RowFields, _ key: String) throws -> Example {
  try Messages.dialogue(try Messages.messages(try row.value(key), key: key, row), row)
}

/// `{"prompt", "completion"}`, each a text or a list of messages. In a list of messages every answer is learnt.
private func promptCompletion(_ row: RowFields) throws -> Example {
  let prompt = try Asking.prompt(row)
  let (value, key) = try Answering.answer(row)
  let messages = try Messages.answered(value, key: key, prompt: prompt, row)
  guard case .demonstration(var demonstration) = try Messages.dialogue(messages, row) else {
    throw Failure(.badData, "\"\(key)\" has no message of the assistant")
  }
  demonstration.prompt.tools = prompt.tools
  demonstration.prompt.templateArguments = prompt.templateArguments
  // The label may appear only in later rows.
  if let label = row.object["label"], isLabel(label), let value = row["label"], !isGood(value) {
    return .refutedAnswer(demonstration.prompt)
  }
  return .demonstration(demonstration)
}

/// Whether a value is a label for good or bad: true, false, 1 or 0.
private func isLabel(_ value: JSONValue) -> Bool { value.bool != nil || value.number == 0 || value.number == 1 }

private func isGood(_ label: JSONValue) -> Bool { label == .bool(true) || label.number == 1 }

/// `{"prompt", "completion", "label": true}`: a good answer, or a bad one.
private func unpaired(_ row: RowFields) throws -> Example {
  let example = try promptCompletion(row)
  let label = try row.value("label")
  guard isLabel(label) else { throw label.isNot("true or false", named: "label") }
  return example
}

/// `{"chosen", "rejected"}`, with a `prompt`, or with a common beginning as the prompt.
private func preference(_ row: RowFields, format: DataFormat, _ context: RowContext) throws -> Pair {
  let (chosen, rejected) = (try row.value("chosen"), try row.value("rejected"))
  if format == .hhRLHF || HHDialogue.isOne(chosen) && HHDialogue.isOne(rejected) {
    let pair = try HHDialogue.comparison(chosen: try row.text("chosen"), rejected: try row.text("rejected"))
    return try agreeing(pair, row)
  }
  // Later rows may have a prompt even if the first row has none.
  let asks = Asking.isThere(row.object) || row.says("messages") || row.says("conversations")
  if format == .implicitPreference, !asks || (chosen.array?.count ?? 0) > 1 {
    return try agreeing(implicitPrompt(row, chosen: chosen, rejected: rejected, context), row)
  }
  let prompt = try preferencePrompt(row)
  let hasText = row.object["prompt"]?.string != nil
  if hasText, let items = chosen.array, items.count > 1, items.first?["role"] != .string("assistant") {
    // As in TRL: whole dialogues include their prompt, and a text prompt next to them repeats it.
    let pair = try Pair.parting(
      chosen: try Messages.turns(chosen, key: "chosen", row),
      rejected: try Messages.turns(rejected, key: "rejected", row))
    return try agreeing(pair, row)
  }
  return try pair(prompt, chosen: (chosen, "chosen"), rejected: (rejected, "rejected"), row)
}

/// Dialogues include their prompt; a prompt next to them must agree with it.
private func agreeing(_ pair: Pair, _ row: RowFields) throws -> Pair {
  if row.object["prompt"]?.string != nil { _ = row["prompt"] }
  let names = ["prompt"] + Asking.others
  try Asking.requireAgreement(of: pair.prompt, under: "chosen", row, with: names)
  return pair
}

/// The prompt next to `chosen` and `rejected`: a question, or the dialogue so far.
private func preferencePrompt(_ row: RowFields) throws -> Prompt {
  if Asking.isThere(row.object) { return try Asking.prompt(row) }
  let key = row.says("messages") ? "messages" : "conversations"
  return Prompt(turns: try Messages.turns(try row.value(key), key: key, row))
}

private func implicitPrompt(
  _ row: RowFields, chosen: JSONValue, rejected: JSONValue, _ context: RowContext
) throws -> Pair {
  guard chosen.string != nil || rejected.string != nil else {
    return try Pair.parting(
      chosen: try Messages.turns(chosen, key: "chosen", row),
      rejected: try Messages.turns(rejected, key: "rejected", row))
  }
  // A row with a system text or tools should have a prompt, too.
  let beside = ["system", "system_prompt", "tools"].first { row.says($0) }
  if let key = beside {
    throw Failure(
      .badData, "there is no prompt beside \"\(key)\", \"chosen\" and \"rejected\"",
      remedy: "Add the prompt; it is not derived from the common beginning of the answers.")
  }
  row.remarks.insert(.implicitPrompt)
  return try Pair.withImplicitPrompt(
    chosen: try chosen.text(named: "chosen"), rejected: try rejected.text(named: "rejected"))
}

private func pair(
  _ prompt: Prompt, chosen: (value: JSONValue, key: String), rejected: (value: JSONValue, key: String),
  _ row: RowFields
) throws -> Pair {
  // Without a prompt, the answers would differ at their first messages.
  guard !prompt.turns.isEmpty else { throw Failure(.badData, "the prompt is empty") }
  func answered(_ side: (value: JSONValue, key: String)) throws -> [Turn] {
    let messages = try Messages.answered(side.value, key: side.key, prompt: prompt, row)
    if let last = messages.last, last.isLearnt == false {
      throw Unusable("a message of \"\(side.key)\" is marked as not to be trained on")
    }
    return messages.map(\.turn)
  }
  var pair = try Pair.parting(chosen: try answered(chosen), rejected: try answered(rejected))
  // A text and a message would differ by the text that the chat template writes around a message.
  if pair.chosen.isContinuation != pair.rejected.isContinuation {
    pair.chosen.isContinuation = false
    pair.rejected.isContinuation = false
  }
  pair.prompt.tools = prompt.tools
  pair.prompt.templateArguments = prompt.templateArguments
  return pair
}

/// `{"input": {"messages"}, "preferred_output": […], "non_preferred_output": […]}`
private func openAIPreference(_ row: RowFields) throws -> Comparison {
  guard let input = try row.value("input").object, let messages = input["messages"] else {
    throw Failure(.badData, "the key \"input.messages\" is missing")
  }
  for (key, value) in input where !["messages", "tools"].contains(key) && !value.isEmpty {
    row.ignore(inner: "input.\(key)")
  }
  let prompt = Prompt(
    turns: try Messages.turns(messages, key: "input.messages", row),
    tools: try RowContext.list(input["tools"], named: "input.tools"))
  return try pair(
    prompt, chosen: (try row.value("preferred_output"), "preferred_output"),
    rejected: (try row.value("non_preferred_output"), "non_preferred_output"), row
  ).comparison()
}

/// `{"instruction", "input", "output"}`: the input, if there is one, follows the instruction. `history`, a list of
/// [question, answer], comes first if there is one.
private func alpaca(_ row: RowFields) throws -> Demonstration {
  var turns: [Turn] = []
  if let history = row["history"], !history.isNull {
    for pair in history.array ?? [.null] {
      guard let texts = pair.array?.compactMap(\.string), texts.count == 2 else {
        throw Failure(.badData, "\"history\" is not a list of [question, answer]")
      }
      turns += [Turn(.user, texts[0]), Turn(.assistant, texts[1])]
    }
  }
  turns.append(Turn(.user, try Asking.joined(row)))
  try Asking.requireAgreement(
    of: Prompt(turns: turns), under: "instruction", row, with: ["prompt", "question", "query"])
  return Demonstration(prompt: Prompt(turns: turns), completion: try row.text("output"))
}
