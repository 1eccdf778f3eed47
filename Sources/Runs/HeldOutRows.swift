extension Summary {
  /// The rows of a user's file that are held out of training, and their use.
  public struct HeldOutRows: Codable, Equatable, Sendable {
    /// The kind of rows, such as "demonstrations".
    public var rows: String
    public var heldOut: Int
    /// Number of rows in the file.
    public var of: Int
    /// Their use, such as "they measure the validation loss".
    public var use: String
    /// Number of held-out rows whose prompt is also in training rows.
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

    /// The kind of rows on which models are compared.
    public static let prompts = "prompts"

    /// A sentence for the user.
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
