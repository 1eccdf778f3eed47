import Support

/// The format of a data file's rows; detected from the keys of its first row.
public enum DataFormat: String, Codable, CaseIterable, Sendable {
  case ranked = "ranked answers"
  case openAIPreference = "OpenAI preference"
  case stiennon = "Stiennon summaries"
  case lmHumanPreferences = "lm-human-preferences"
  case preference = "TRL preference"
  case hhRLHF = "hh-rlhf"
  case implicitPreference = "TRL preference with implicit prompt"
  case unpaired = "TRL unpaired preference"
  case promptCompletion = "TRL prompt and completion"
  case messages = "chat messages"
  case shareGPT = "ShareGPT"
  case alpaca = "Alpaca"
  case unranked = "answers without ranks"
  case prompt = "TRL prompt"
  case text = "JSON text"
  case plainText = "plain text"

  public enum Content: String, Codable, Sendable {
    case comparisons, demonstrations, prompts, documents
  }

  /// The main content of its rows.
  public var content: Content {
    switch self {
    case .ranked, .openAIPreference, .stiennon, .lmHumanPreferences, .preference, .hhRLHF,
      .implicitPreference:
      return .comparisons
    case .unpaired, .promptCompletion, .messages, .shareGPT, .alpaca: return .demonstrations
    case .prompt, .unranked: return .prompts
    case .text, .plainText: return .documents
    }
  }

  /// Whether a row has the keys of this format. The first matching format is used.
  ///
  /// Tables exported as JSON have every column in every row, with null for missing values.
  /// - Parameter nulls: whether keys count even if all their values are null.
  private func fits(_ row: JSONObject, nulls: Bool) -> Bool {
    func has(_ keys: String...) -> Bool {
      keys.allSatisfy { row[$0] != nil } && (nulls || keys.contains { row[$0]?.isNull == false })
    }
    let asks = Asking.isThere(row) && (row["prompt"] != nil || row["text"] == nil)
    switch self {
    case .ranked: return has("completions", "ranks")
    case .openAIPreference: return has("input", "preferred_output", "non_preferred_output")
    case .stiennon: return has("summaries", "choice")
    case .lmHumanPreferences: return has("query", "sample0", "best")
    case .preference:
      guard has("chosen", "rejected") else { return false }
      // Dialogues in chosen and rejected already include the prompt.
      let areDialogues = HHDialogue.isOne(row["chosen"]) || (row["chosen"]?.array?.count ?? 0) > 1
      return row["prompt"] != nil || !areDialogues && (asks || has("messages") || has("conversations"))
    case .hhRLHF: return has("chosen", "rejected") && HHDialogue.isOne(row["chosen"])
    case .implicitPreference: return has("chosen", "rejected")
    case .unpaired: return asks && has("completion") && has("label")
    case .alpaca: return has("instruction", "output")
    case .messages: return has("messages")
    case .shareGPT: return has("conversations")
    case .promptCompletion:
      return has("prompt", "completion")
        || asks && Answering.isThere(row, nulls: nulls) && !has("messages") && !has("conversations")
          && !has("instruction", "output")
    case .unranked: return asks && has("completions")
    case .prompt: return asks
    case .text: return has("text")
    case .plainText: return false
    }
  }

  /// - Throws: `Failure(.badData)` with the row's keys if they match no format.
  init(detecting row: JSONObject) throws {
    if row["completions"]?.array != nil, row["labels"]?.array != nil {
      throw Failure(
        .badData, "this is stepwise supervision (\"completions\" with \"labels\"), which no stage supports",
        remedy: "Rank whole answers instead: \"completions\" with \"ranks\".")
    }
    let found = [false, true].lazy.compactMap { nulls in
      Self.allCases.first { $0.fits(row, nulls: nulls) }
    }.first
    guard let found else {
      let keys = row.keys.sorted().prefix(12).map { String($0.prefix(80)) }.joined(separator: ", ")
      throw Failure(
        .badData, "the keys match no known format: \(keys.isEmpty ? "there are none" : keys)",
        remedy: "Rename them, for example to prompt and completion, or prompt, chosen and rejected."
      )
    }
    self = found
  }
}
