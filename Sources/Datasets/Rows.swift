import Support
import Tokenizers

extension Example {
  /// One row of a known format.
  /// - Throws: `Failure(.badData)` without a place if the row is bad, `Unusable` if it is no use.
  init(_ row: JSONValue, line: [UInt8], format: DataFormat) throws {
    switch format {
    case .ranked: self = .comparison(try rankedAnswers(line))
    case .openAIPreference: self = .comparison(try openAIPreference(row))
    case .stiennon: self = .comparison(try stiennonSummaries(row))
    case .lmHumanPreferences: self = .comparison(try lmHumanPreference(row))
    case .preference, .hhRLHF, .implicitPreference:
      let margin = try margin(row)
      self = .comparison(
        try preference(row, format: format).comparison(
          margin: margin, labeler: row["labeler"]?.string))
    case .unpaired: self = try unpaired(row)
    case .promptCompletion: self = .demonstration(try promptCompletion(row))
    case .messages: self = try Messages.dialogue(try row.value("messages"), key: "messages")
    case .shareGPT:
      self = try Messages.dialogue(
        try row.value("conversations"), key: "conversations", system: row["system"]?.string)
    case .alpaca: self = .demonstration(try alpaca(row))
    case .prompt: self = .prompt(try Messages.prompt(try row.value("prompt")))
    case .text: self = .document(try row.text("text"))
    case .plainText: preconditionFailure("plain text has no rows")
    }
    if let prompt { try check(prompt) }
  }
}

private func check(_ prompt: Prompt) throws {
  if prompt.turns.allSatisfy({ $0.content.isBlank }) {
    throw Failure(.badData, "the prompt is empty")
  }
  if prompt.turns.last?.role == .assistant {
    throw Failure(.badData, "the prompt ends with a turn of the assistant")
  }
}

/// Ours: `{"prompt", "completions": […], "ranks": [1, 2, 2, 4], "labeler", "policy", "seconds"}`
private func rankedAnswers(_ line: [UInt8]) throws -> Comparison {
  do {
    return try JSON.decode(Comparison.self, from: line, at: "")
  } catch var failure as Failure {
    failure.place = nil
    throw failure
  }
}

/// `{"prompt", "completion"}`, each a text or a list of messages; of several messages the last is the
/// completion.
private func promptCompletion(_ row: JSONValue) throws -> Demonstration {
  let prompt = try Messages.prompt(try row.value("prompt"))
  let turns = try Messages.answered(
    try row.value("completion"), key: "completion", prompt: prompt)
  return Demonstration(prompt: Prompt(turns: turns.dropLast()), completion: turns.last!.content)
}

/// `{"prompt", "completion", "label": true}`: an answer to give, or one not to.
private func unpaired(_ row: JSONValue) throws -> Example {
  let demonstration = try promptCompletion(row)
  switch try row.value("label") {
  case .bool(true), .number(1): return .demonstration(demonstration)
  case .bool(false), .number(0): return .refutedAnswer(demonstration.prompt)
  default: throw Failure(.badData, "\"label\" is neither true nor false")
  }
}

/// `{"chosen", "rejected"}`, with a `prompt` or with one that both begin with.
private func preference(_ row: JSONValue, format: DataFormat) throws -> Pair {
  let (chosen, rejected) = (try row.value("chosen"), try row.value("rejected"))
  switch format {
  case .hhRLHF:
    return try HHDialogue.comparison(
      chosen: try row.text("chosen"), rejected: try row.text("rejected"))
  case .implicitPreference:
    return try Pair.withImplicitPrompt(chosen: chosen, rejected: rejected)
  default:
    let prompt = try row.value("prompt")
    if prompt.string != nil, [chosen, rejected].contains(where: { ($0.array?.count ?? 0) > 1 }) {
      // As in TRL: whole dialogues have their prompt in them, and a text beside them repeats it.
      return try Pair.withImplicitPrompt(chosen: chosen, rejected: rejected)
    }
    return try pair(
      try Messages.prompt(prompt), chosen: (chosen, "chosen"), rejected: (rejected, "rejected"))
  }
}

private func pair(
  _ prompt: Prompt, chosen: (value: JSONValue, key: String), rejected: (value: JSONValue, key: String)
) throws -> Pair {
  // Else the answers would part at their first messages.
  guard !prompt.turns.isEmpty else { throw Failure(.badData, "the prompt is empty") }
  return try Pair.parting(
    chosen: try Messages.answered(chosen.value, key: chosen.key, prompt: prompt),
    rejected: try Messages.answered(rejected.value, key: rejected.key, prompt: prompt))
}

/// By how much the chosen answer should win, if the row says so.
private func margin(_ row: JSONValue) throws -> Double? {
  switch row["margin"] {
  case nil, .null: return nil
  case .integer(let margin): return Double(margin)
  case .number(let margin): return margin
  default: throw Failure(.badData, "\"margin\" is not a number")
  }
}

/// `{"input": {"messages"}, "preferred_output": […], "non_preferred_output": […]}`
private func openAIPreference(_ row: JSONValue) throws -> Comparison {
  guard let messages = row["input"]?["messages"] else {
    throw Failure(.badData, "the key \"input.messages\" is missing")
  }
  let prompt = Prompt(turns: try Messages.turns(messages, key: "input.messages"))
  return try pair(
    prompt, chosen: (try row.value("preferred_output"), "preferred_output"),
    rejected: (try row.value("non_preferred_output"), "non_preferred_output")
  ).comparison()
}

/// `{"info": {…}, "summaries": [{"text", "policy"}], "choice": 0, "worker"}`, with the queries of
/// Stiennon et al. 2020: a Reddit post or a news article, and `TL;DR:`.
private func stiennonSummaries(_ row: JSONValue) throws -> Comparison {
  let summaries = try row.value("summaries").array ?? []
  let texts = summaries.compactMap { $0["text"]?.string }
  guard texts.count == summaries.count, texts.count >= 2 else {
    throw Failure(.badData, "\"summaries\" is not a list of two texts or more")
  }
  let choice = try index(row, "choice", below: texts.count)
  let policies = Set(summaries.map { $0["policy"]?.string })
  return Comparison(
    prompt: Prompt(try stiennonQuery(try row.value("info"))), completions: texts,
    ranks: texts.indices.map { $0 == choice ? 1 : 2 }, labeler: row["worker"]?.string,
    policy: policies.count == 1 ? policies.first ?? nil : nil)
}

private func stiennonQuery(_ info: JSONValue) throws -> String {
  if let article = info["article"]?.string, !article.isBlank { return "Article:\n\n\(article)\n\nTL;DR:" }
  guard let post = info["post"]?.string else {
    throw Failure(.badData, "\"info\" has neither a post nor an article")
  }
  let subreddit = info["subreddit"]?.string.map { "SUBREDDIT: r/\($0)\n\n" } ?? ""
  let title = info["title"]?.string.map { "TITLE: \($0)\n\n" } ?? ""
  return "\(subreddit)\(title)POST: \(post)\n\nTL;DR:"
}

/// `{"query", "sample0", "sample1", …, "best": 2}` of Ziegler et al. 2019, as text.
private func lmHumanPreference(_ row: JSONValue) throws -> Comparison {
  var samples: [String] = []
  while row["sample\(samples.count)"] != nil {
    samples.append(try text(row, "sample\(samples.count)"))
  }
  guard samples.count >= 2 else { throw Failure(.badData, "there is no \"sample1\"") }
  let best = try index(row, "best", below: samples.count)
  return Comparison(
    prompt: Prompt(try text(row, "query")), completions: samples,
    ranks: samples.indices.map { $0 == best ? 1 : 2 })

  func text(_ row: JSONValue, _ key: String) throws -> String {
    if case .array = row[key] {
      throw Failure(
        .badData, "\"\(key)\" is a list of token ids, not a text",
        remedy: "Decode it first with the tokenizer it was made with.")
    }
    return try row.text(key)
  }
}

/// `{"instruction", "input", "output"}`: the input, if there is one, stands below the instruction.
/// Where there are `system` and `history`, a list of [question, answer], they come first.
private func alpaca(_ row: JSONValue) throws -> Demonstration {
  func optional(_ key: String) throws -> String {
    row[key] == nil || row[key] == .null ? "" : try row.text(key)
  }
  let (instruction, input) = (try row.text("instruction"), try optional("input"))
  let system = try optional("system")
  var turns = system.isBlank ? [] : [Turn(.system, system)]
  if let history = row["history"], history != .null {
    for pair in history.array ?? [.null] {
      guard let texts = pair.array?.compactMap(\.string), texts.count == 2 else {
        throw Failure(.badData, "\"history\" is not a list of [question, answer]")
      }
      turns += [Turn(.user, texts[0]), Turn(.assistant, texts[1])]
    }
  }
  let hasInput = !input.isBlank && input.lowercased() != "<noinput>"
  turns.append(Turn(.user, hasInput ? "\(instruction)\n\n\(input)" : instruction))
  return Demonstration(prompt: Prompt(turns: turns), completion: try row.text("output"))
}

private func index(_ row: JSONValue, _ key: String, below count: Int) throws -> Int {
  guard let number = row[key]?.number, let index = Int(exactly: number),
    (0..<count).contains(index)
  else { throw Failure(.badData, "\"\(key)\" is not an index of one of \(count) answers") }
  return index
}

extension JSONValue {
  fileprivate func value(_ key: String) throws -> JSONValue {
    guard let value = self[key] else { throw Failure(.badData, "the key \"\(key)\" is missing") }
    return value
  }

  fileprivate func text(_ key: String) throws -> String {
    guard let text = try value(key).string else {
      throw Failure(.badData, "\"\(key)\" is not a text")
    }
    return text
  }
}
