import Dialogues
import Support

/// This program's own format: `{"prompt", "completions": […], "ranks": [1, 2, 2, 4], "labeler", "policy", "seconds",
/// "margin"}`
func rankedAnswers(_ row: RowFields) throws -> Comparison {
  let prompt = try Asking.prompt(row)
  guard !prompt.turns.isEmpty else { throw Failure(.badData, "the prompt is empty") }
  let answers = try list(row, "completions").enumerated().map { index, value in
    try answer(value, of: "completions", index, row)
  }
  let ranks = try list(row, "ranks").enumerated().map { index, value in
    guard let rank = value.integer else { throw value.isNot("a whole number", named: "ranks", at: index) }
    return rank
  }
  if let problem = Comparison.problem(answers: answers.count, ranks: ranks) { throw Failure(.badData, problem) }
  return Comparison(
    prompt: prompt, answers: answers, ranks: ranks, labeler: try row.optionalName("labeler"),
    policy: try row.optionalName("policy"), seconds: try row.optionalNumber("seconds"),
    margin: try row.margin())
}

private func list(_ row: RowFields, _ key: String) throws -> [JSONValue] {
  let value = try row.value(key)
  guard let list = value.array else { throw value.isNot("a list", named: key) }
  return list
}

/// An answer: a text, or one message of the assistant, optionally in a list.
private func answer(_ value: JSONValue, of key: String, _ index: Int, _ row: RowFields) throws -> Turn {
  if let text = value.string { return .continuation(text) }
  guard value.object != nil || value.array != nil else { throw value.isNot("a text", named: key, at: index) }
  let place = "\(key)[\(index)]"
  let turns = try Messages.turns(value, key: place, row)
  guard turns.count == 1, turns[0].role == .assistant else {
    throw Failure(
      .badData, "\"\(place)\" is not one message of the assistant",
      remedy: "Give what comes before it as \"prompt\".")
  }
  return turns[0]
}

/// `{"info": {…}, "summaries": [{"text", "policy"}], "choice": 0, "worker"}`, with the queries of
/// Stiennon et al. 2020: a Reddit post or a news article, and `TL;DR:`.
func stiennonSummaries(_ row: RowFields) throws -> Comparison {
  let summaries = try row.value("summaries").array ?? []
  let texts = summaries.compactMap { $0["text"]?.string }
  guard texts.count == summaries.count, texts.count >= 2 else {
    throw Failure(.badData, "\"summaries\" is not a list of two or more texts")
  }
  let choice = try index(row, "choice", below: texts.count)
  let policies = Set(summaries.map { $0["policy"]?.string })
  return Comparison(
    prompt: Prompt(try stiennonQuery(try row.value("info"))), completions: texts,
    ranks: texts.indices.map { $0 == choice ? 1 : 2 }, labeler: try row.optionalName("worker"),
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
func lmHumanPreference(_ row: RowFields) throws -> Comparison {
  var samples: [String] = []
  while row.object["sample\(samples.count)"] != nil {
    samples.append(try text(row, "sample\(samples.count)"))
  }
  guard samples.count >= 2 else { throw Failure(.badData, "there is no \"sample1\"") }
  let best = try index(row, "best", below: samples.count)
  return Comparison(
    prompt: Prompt(try text(row, "query")), completions: samples,
    ranks: samples.indices.map { $0 == best ? 1 : 2 })

  func text(_ row: RowFields, _ key: String) throws -> String {
    if case .array = row.object[key] {
      throw Failure(
        .badData, "\"\(key)\" is a list of token ids, not a text",
        remedy: "Decode it first with the tokenizer it was made with.")
    }
    return try row.text(key)
  }
}

private func index(_ row: RowFields, _ key: String, below count: Int) throws -> Int {
  guard let index = row[key]?.integer, (0..<count).contains(index)
  else { throw Failure(.badData, "\"\(key)\" is not an index of one of \(count) answers") }
  return index
}
