import Dialogues
import Support

/// A request to a model: a prompt and possibly an answer, each as in rows or as tokens, and the sampling options.
public struct Request: Sendable {
  public var prompt: Prompt?
  public var promptTokens: [Int32]?
  /// The answer to measure.
  public var answer: Turn?
  public var answerTokens: [Int32]?
  /// The line's sampling options; empty for measurements.
  public var options = RequestOptions()

  /// The purpose of a request.
  public enum Purpose: Sendable {
    /// The model writes the answer.
    case generation
    /// The request contains the answer.
    case measurement
  }

  /// Reads a request.
  ///
  /// A prompt that is a dialogue may be under `prompt`, `messages` or `conversations`. If such a dialogue ends with
  /// an assistant turn, that turn is the answer to measure. `completion` may be a text or messages; the last of them
  /// is the answer.
  /// - Throws: `Failure(.badData)` without a place.
  public init(_ row: RowFields, for purpose: Purpose) throws {
    let context = try Self.context(row)
    promptTokens = try row.tokens("prompt_tokens")
    var turns = try Self.turns(row)
    if purpose == .measurement {
      answerTokens = try row.tokens("completion_tokens")
      // Keys that `generate` writes in its output; accepted and ignored.
      for key in ["tokens", "finish"] { _ = row[key] }
      (turns, answer) = try Self.answer(row, to: turns)
    } else {
      options = try RequestOptions(row)
    }
    guard let turns else {
      try Self.requireNoEmptyDialogue(row)
      if context.system != nil || !context.tools.isEmpty { throw Self.missing("prompt") }
      return
    }
    prompt = try context.applied(to: turns).prompt
    if prompt!.turns.isEmpty { throw Failure(.badData, "the prompt has no turns") }
    if prompt!.turns.last?.role == .assistant {
      throw Failure(.badData, "the prompt ends with a turn of the assistant", remedy: "End it with a user's.")
    }
  }

  private static func context(_ row: RowFields) throws -> RowContext {
    do {
      return try RowContext(row)
    } catch let unusable as Unusable {
      throw Failure(.badData, unusable.reason, remedy: "Leave the key out.")
    }
  }

  public static func missing(_ key: String) -> Failure {
    Failure(
      .badData, "the key \"\(key)\" is missing", remedy: "Give it as text or messages, or \"\(key)_tokens\".")
  }

  /// Refuses a dialogue without messages as a prompt. Next to `prompt_tokens` it is allowed and has no meaning.
  private static func requireNoEmptyDialogue(_ row: RowFields) throws {
    for key in ["messages", "conversations"] where row.object[key]?.array?.isEmpty == true {
      guard row.object["prompt_tokens"] == nil else { return }
      throw Failure(
        .badData, "\"\(key)\" is an empty list", remedy: "Give at least one message, {\"role\", \"content\"}.")
    }
  }

  private static func turns(_ row: RowFields) throws -> Prompt? {
    let dialogues = ["messages", "conversations"].filter { row.says($0) }
    guard let key = dialogues.first else { return Asking.isThere(row.object) ? try Asking.prompt(row) : nil }
    let prompt = Prompt(turns: try Messages.turns(try row.value(key), key: key, row))
    try Asking.requireAgreement(of: prompt, under: key, row, with: ["prompt"] + Asking.others)
    return prompt
  }

  /// The answer to measure, and the prompt that it answers.
  private static func answer(_ row: RowFields, to prompt: Prompt?) throws -> (Prompt?, Turn?) {
    guard var prompt else {
      // Next to `prompt_tokens` the answer is a text.
      return (nil, try row.optionalText("completion").map(Turn.continuation))
    }
    if Answering.isThere(row.object) {
      let (value, key) = try Answering.answer(row)
      let turns = try Messages.answered(value, key: key, prompt: prompt, row).map(\.turn)
      guard turns.last?.role == .assistant else {
        throw Failure(.badData, "\"\(key)\" does not end with a message of the assistant")
      }
      prompt.turns = Array(turns.dropLast())
      return (prompt, turns.last)
    }
    guard prompt.turns.count > 1, prompt.turns.last?.role == .assistant else { return (prompt, nil) }
    let answer = prompt.turns.removeLast()
    return (prompt, answer)
  }
}

/// The sampling options that one line sets.
public struct RequestOptions: Sendable, Hashable {
  public var maxNewTokens: Int?
  public var temperature: Float?
  public var topK: Int?
  public var topP: Float?
  public var stop: [String]?
  public var seed: UInt64?
  public var bestOf: Int?

  init() {}

  /// - Throws: `Failure(.badData)` without a place, with the key and what is wrong with its value.
  init(_ row: RowFields) throws {
    maxNewTokens = try row.whole("max_new_tokens", in: 1...Int(Int32.max))
    temperature = try row.decimal("temperature", bounds: "0 or above") { $0 >= 0 }
    topK = try row.whole("top_k", in: 0...Int(Int32.max))
    topP = try row.decimal("top_p", bounds: "in (0, 1]") { $0 > 0 && $0 <= 1 }
    seed = try row.seed("seed")
    bestOf = try row.whole("best_of", in: 1...256)
    if let value = row["stop"], !value.isNull {
      stop = try (value.array ?? [value]).enumerated().map { index, text in
        guard let string = text.string else {
          throw text.isNot("a text", named: "stop", at: value.array == nil ? nil : index)
        }
        guard !string.isEmpty else {
          throw Failure(
            .badData, "\"stop\"\(value.array == nil ? "" : "[\(index)]") is an empty text, which matches everywhere",
            remedy: "Give it a text, or leave it out.")
        }
        return string
      }
    }
    try requireUse(ofTopK: topK ?? 0, topP: topP ?? 1)
  }
}

extension RequestOptions {
  /// Refuses top_k and top_p if the temperature is 0, because nothing is sampled then.
  private func requireUse(ofTopK topK: Int, topP: Float) throws {
    guard temperature == 0, topK > 0 || topP < 1 else { return }
    throw Failure(
      .badData, "\"\(topK > 0 ? "top_k" : "top_p")\" has no effect: \"temperature\" 0 takes the most probable token",
      remedy: "Leave one of them out.")
  }
}

extension RowFields {
  fileprivate func whole(_ key: String, in bounds: ClosedRange<Int>) throws -> Int? {
    guard let value = self[key], !value.isNull else { return nil }
    guard let number = value.integer else { throw value.isNot("a whole number", named: key) }
    guard bounds.contains(number) else {
      throw Failure(
        .badData, "\"\(key)\" is \(number), which is not in \(bounds.lowerBound)…\(bounds.upperBound)",
        remedy: "Choose a number in this range.")
    }
    return number
  }

  fileprivate func seed(_ key: String) throws -> UInt64? {
    guard let value = self[key], !value.isNull else { return nil }
    if let seed = value.unsigned { return seed }
    guard value.integer != nil else { throw value.isNot("a whole number", named: key) }
    throw Failure(
      .badData, "\"\(key)\" is \(value.shown), which is not in 0…\(UInt64.max)",
      remedy: "Choose a number in this range.")
  }

  fileprivate func decimal(_ key: String, bounds: String, _ isWithin: (Float) -> Bool) throws -> Float? {
    guard let value = self[key], !value.isNull else { return nil }
    guard let number = value.number else { throw value.isNot("a number", named: key) }
    guard Float(number).isFinite, isWithin(Float(number)) else {
      throw Failure(.badData, "\"\(key)\" is \(number), which is not \(bounds)", remedy: "Choose another number.")
    }
    return Float(number)
  }

  /// Token ids; nil if the key is missing or null.
  public func tokens(_ key: String) throws -> [Int32]? {
    guard let value = self[key], !value.isNull else { return nil }
    guard let list = value.array else { throw value.isNot("a list of token ids", named: key) }
    return try list.enumerated().map { index, item in
      guard let token = item.integer.flatMap({ Int32(exactly: $0) }) else {
        throw item.isNot("a token id", named: key, at: index)
      }
      return token
    }
  }
}
