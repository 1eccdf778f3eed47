extension Summary {
  /// Rows of a user's file that training does not see, and what they are for.
  public struct HeldOutRows: Codable, Equatable, Sendable {
    /// What they are: "demonstrations".
    public var rows: String
    public var heldOut: Int
    /// All that the file has.
    public var of: Int
    /// What is measured on them: "the validation loss".
    public var use: String
    /// Held-out rows whose prompt training sees in other rows.
    public var familiar: Int

    enum CodingKeys: String, CodingKey {
      case rows, of, use, familiar
      case heldOut = "held_out"
    }

    public init(_ rows: String, heldOut: Int, of count: Int, use: String, familiar: Int = 0) {
      self.rows = rows
      self.heldOut = heldOut
      of = count
      self.use = use
      self.familiar = familiar
    }

    /// The rows on which models are compared.
    public static let prompts = "prompts"

    /// What people read.
    public var sentence: String {
      guard heldOut > 0 else {
        return "None of your \(of) \(rows) is held out, because fewer than ten are too few for that: \(use)."
      }
      let verb = heldOut == 1 ? "is" : "are"
      let sentence = "\(heldOut) of your \(of) \(rows) \(verb) held out of training: \(use)."
      return familiar == 0
        ? sentence : "\(sentence) Training sees the prompts of \(familiar) of them in other rows."
    }
  }
}
