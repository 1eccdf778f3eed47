import Support

/// What the lines of a file hold; detected from the keys of its first row.
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
  case prompt = "TRL prompt"
  case text = "JSON text"
  case plainText = "plain text"

  public enum Content: String, Codable, Sendable {
    case comparisons, demonstrations, prompts, documents
  }

  /// What its rows are first of all.
  public var content: Content {
    switch self {
    case .ranked, .openAIPreference, .stiennon, .lmHumanPreferences, .preference, .hhRLHF,
      .implicitPreference:
      return .comparisons
    case .unpaired, .promptCompletion, .messages, .shareGPT, .alpaca: return .demonstrations
    case .prompt: return .prompts
    case .text, .plainText: return .documents
    }
  }

  /// The keys that a row of this format has; the first format whose keys are all there is taken.
  private var keys: [String] {
    switch self {
    case .ranked: return ["completions", "ranks"]
    case .openAIPreference: return ["input", "preferred_output", "non_preferred_output"]
    case .stiennon: return ["summaries", "choice"]
    case .lmHumanPreferences: return ["query", "sample0", "best"]
    case .preference: return ["prompt", "chosen", "rejected"]
    case .hhRLHF, .implicitPreference: return ["chosen", "rejected"]
    case .unpaired: return ["prompt", "completion", "label"]
    case .promptCompletion: return ["prompt", "completion"]
    case .messages: return ["messages"]
    case .shareGPT: return ["conversations"]
    case .alpaca: return ["instruction", "output"]
    case .prompt: return ["prompt"]
    case .text: return ["text"]
    case .plainText: return []
    }
  }

  /// - Throws: `Failure(.badData)` that names the row's keys if they fit no format.
  init(detecting row: JSONValue) throws {
    guard case .object(let fields) = row else { throw Failure(.badData, "this is not an object") }
    let found = Self.allCases.first { format in
      guard format != .plainText, format.keys.allSatisfy({ fields[$0] != nil }) else {
        return false
      }
      return format != .hhRLHF || HHDialogue.isOne(fields["chosen"])
    }
    guard let found else {
      let keys = fields.keys.sorted().prefix(12).joined(separator: ", ")
      throw Failure(
        .badData, "the keys fit no known format: \(keys.isEmpty ? "there are none" : keys)",
        remedy: "Rename them, for example to prompt and completion, or prompt, chosen and rejected."
      )
    }
    self = found
  }
}
