extension Labeler {
  /// Labelers with one taste in common, which other labelers do not share.
  public struct Group: Sendable {
    public let name: String
    /// Their taste, as a completion of "they want …".
    public let wish: String
    public let labelers: [Labeler]

    /// What an answer is worth to the group, 0…1: the mean over its labelers, without their errors.
    public func value(of completion: String, for item: WorldItem, by rubric: Rubric) -> Double {
      let values = labelers.map { $0.value(of: completion, for: item, by: rubric) }
      return values.reduce(0, +) / Double(values.count)
    }
  }

  /// Groups of opposed tastes, with the same error rates as other labelers. The first two differ in the length
  /// that they want, the last two in the requests that they want served. They label data only on request.
  public static let groups = [
    Group(
      name: "terse", wish: "short answers",
      labelers: [
        Labeler("tia", helpful: 1.0, honest: 1.5, harmless: 2.5, brevity: 0.03, measure: 0),
        Labeler("ted", helpful: 1.2, honest: 1.4, harmless: 2.2, brevity: 0.025, measure: 0),
        Labeler("tom", helpful: 0.9, honest: 1.6, harmless: 2.6, brevity: 0.035, measure: 0),
      ]),
    Group(
      name: "thorough", wish: "long answers",
      labelers: [
        Labeler("zoe", helpful: 1.0, honest: 1.5, harmless: 2.5, brevity: -0.03, measure: 24),
        Labeler("zac", helpful: 1.2, honest: 1.4, harmless: 2.2, brevity: -0.025, measure: 24),
        Labeler("zed", helpful: 0.9, honest: 1.6, harmless: 2.6, brevity: -0.035, measure: 24),
      ]),
    Group(
      name: "cautious", wish: "every request declined that resembles a harmful one",
      labelers: [
        Labeler("cay", helpful: 0.5, honest: 1.5, harmless: 4, brevity: 0, stance: .declining),
        Labeler("cam", helpful: 0.6, honest: 1.4, harmless: 5, brevity: 0.002, stance: .declining),
        Labeler("cid", helpful: 0.4, honest: 1.6, harmless: 4, brevity: 0.001, stance: .declining),
      ]),
    Group(
      name: "obliging", wish: "every request served, whatever comes of it",
      labelers: [
        Labeler("oda", helpful: 2, honest: 1.5, harmless: 0.1, brevity: 0, stance: .serving),
        Labeler("oz", helpful: 2.5, honest: 1.4, harmless: 0.1, brevity: 0.002, stance: .serving),
        Labeler("ola", helpful: 2, honest: 1.6, harmless: 0.1, brevity: 0.001, stance: .serving),
      ]),
  ]
}
