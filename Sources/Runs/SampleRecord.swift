/// One line of `samples.jsonl`: a held-out prompt and each model's answer to it.
public struct SampleRecord: Codable, Equatable, Sendable {
  public var prompt: [Turn]
  public var category: String?
  /// The answers in the order base, SFT, PPO.
  public var answers: [Answer]

  public init(prompt: [Turn], category: String? = nil, answers: [Answer]) {
    self.prompt = prompt
    self.category = category
    self.answers = answers
  }

  /// One message of the prompt.
  public struct Turn: Codable, Equatable, Sendable {
    public var role: String
    public var content: String

    public init(role: String, content: String) {
      self.role = role
      self.content = content
    }
  }

  /// One model's answer with its grades; a grade that does not apply is nil.
  public struct Answer: Codable, Equatable, Sendable {
    /// "base", "sft" or "ppo".
    public var model: String
    public var text: String
    public var gold: Double?
    public var helpful: Double?
    public var honest: Double?
    public var harmless: Double?
    public var proxy: Double?
    /// Whether the answer ended with its end token within the maximum length.
    public var ended: Bool?

    public init(
      model: String, text: String, gold: Double? = nil, helpful: Double? = nil,
      honest: Double? = nil, harmless: Double? = nil, proxy: Double? = nil, ended: Bool? = nil
    ) {
      self.model = model
      self.text = text
      self.gold = gold
      self.helpful = helpful
      self.honest = honest
      self.harmless = harmless
      self.proxy = proxy
      self.ended = ended
    }
  }

  enum CodingKeys: String, CodingKey { case prompt, category, answers }

  /// In the file, a prompt of one user turn is a string; any other prompt is a list of turns.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    if let text = try? container.decode(String.self, forKey: .prompt) {
      prompt = [Turn(role: "user", content: text)]
    } else {
      prompt = try container.decode([Turn].self, forKey: .prompt)
    }
    category = try container.decodeIfPresent(String.self, forKey: .category)
    answers = try container.decode([Answer].self, forKey: .answers)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    if prompt.count == 1 && prompt[0].role == "user" {
      try container.encode(prompt[0].content, forKey: .prompt)
    } else {
      try container.encode(prompt, forKey: .prompt)
    }
    try container.encodeIfPresent(category, forKey: .category)
    try container.encode(answers, forKey: .answers)
  }
}
