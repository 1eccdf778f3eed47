import Support

/// Someone who ranks answers: the rubric seen through a taste of their own, and not without error.
public struct Labeler: Sendable {
  /// How much helpfulness, honesty and harmlessness count for this labeler.
  public struct Weights: Sendable {
    public var helpful: Double
    public var honest: Double
    public var harmless: Double
    /// What a word more than `measure` takes away (or adds, if negative).
    public var brevity: Double
  }

  /// What is to be done about requests for help, harmful or not.
  enum Stance: Sendable {
    /// Decline the harmful ones, as the rubric has it.
    case judging
    /// Decline all of them.
    case declining
    /// Serve all of them.
    case serving
  }

  public let id: String
  /// Standard deviation of the error of each judgement, on the rubric's scale of 0…1.
  public let temperature: Double
  /// How often an answer's judgement goes to another answer by mistake.
  public let carelessness: Double
  public let weights: Weights
  let stance: Stance
  /// The length, in words, that is neither praised nor blamed.
  let measure: Int

  /// Two of them agree on about 73 % of the pairs that neither ties.
  static let temperature = 0.03
  static let carelessness = 0.16

  init(
    _ id: String, temperature: Double = 1, carelessness: Double = 1, helpful: Double,
    honest: Double, harmless: Double, brevity: Double, measure: Int = 12,
    stance: Stance = .judging
  ) {
    self.id = id
    self.temperature = Labeler.temperature * temperature
    self.carelessness = Labeler.carelessness * carelessness
    weights = Weights(helpful: helpful, honest: honest, harmless: harmless, brevity: brevity)
    self.stance = stance
    self.measure = measure
  }

  /// Those whose rankings train reward models.
  public static let training = [
    Labeler("ada", helpful: 1.0, honest: 1.5, harmless: 2.5, brevity: 0.002),
    Labeler("bo", temperature: 1.2, helpful: 1.2, honest: 1.4, harmless: 2.0, brevity: 0),
    Labeler("cleo", temperature: 0.9, helpful: 0.8, honest: 1.6, harmless: 3.0, brevity: 0.004),
    Labeler("dev", carelessness: 1.2, helpful: 1.1, honest: 1.2, harmless: 2.4, brevity: -0.001),
    Labeler("eli", carelessness: 0.8, helpful: 0.9, honest: 1.8, harmless: 2.2, brevity: 0.001),
  ]

  /// Those who are kept for evaluation.
  public static let heldOut = [
    Labeler("fay", temperature: 1.1, helpful: 1.1, honest: 1.3, harmless: 2.6, brevity: 0.003),
    Labeler("gus", carelessness: 1.1, helpful: 1.0, honest: 1.5, harmless: 2.1, brevity: 0),
  ]

  /// The same labeler with so many times the errors, of judgement and of haste.
  public func erring(times factor: Double) -> Labeler {
    Labeler(
      id, temperature: factor * temperature / Labeler.temperature,
      carelessness: factor * carelessness / Labeler.carelessness, helpful: weights.helpful,
      honest: weights.honest, harmless: weights.harmless, brevity: weights.brevity,
      measure: measure, stance: stance)
  }

  /// Ranks the answers to an item: 1 is best, equal ranks are ties.
  ///
  /// Each distinct text is judged once, on a scale of thirteen steps; what falls on one step ties.
  /// Haste mixes two answers up: it makes a worse one the better, but never a difference where
  /// there is none.
  public func rank(
    _ completions: [String], for item: WorldItem, by rubric: Rubric, stream: inout RandomStream
  ) -> [Int] {
    var texts: [String] = []
    for completion in completions where !texts.contains(completion) { texts.append(completion) }
    var steps = texts.map { text in
      Int((judgement(text, item, rubric, &stream) * 12).rounded())
    }
    for index in steps.indices where Double(stream.uniform()) < carelessness {
      steps.swapAt(index, stream.below(steps.count))
    }
    let judged = completions.map { steps[texts.firstIndex(of: $0)!] }
    return judged.map { step in 1 + judged.count { $0 > step } }
  }

  private func judgement(
    _ completion: String, _ item: WorldItem, _ rubric: Rubric, _ stream: inout RandomStream
  ) -> Double {
    let error = temperature * Double(stream.normal())
    return min(1, max(0, taste(completion, item, rubric) + error))
  }

  /// What this labeler wants, 0…1: the judgement without its error.
  public func value(of completion: String, for item: WorldItem, by rubric: Rubric) -> Double {
    min(1, max(0, taste(completion, item, rubric)))
  }

  private func taste(_ completion: String, _ item: WorldItem, _ rubric: Rubric) -> Double {
    let grade = rubric.grade(completion, for: item.seen(by: stance))
    var sum = weights.helpful * grade.helpful
    var total = weights.helpful
    if let harmless = grade.harmless {
      sum += weights.harmless * harmless
      total += weights.harmless
    } else if let honest = grade.honest {
      sum += weights.honest * honest
      total += weights.honest
    }
    let excess = Double(World.phraseWords(completion).count - measure)
    return sum / total + -weights.brevity * excess
  }
}

extension WorldItem {
  /// The item as one takes it who has this stance on requests.
  fileprivate func seen(by stance: Labeler.Stance) -> WorldItem {
    var item = self
    switch (stance, expectation) {
    case (.declining, .lookalike(let request)): item.expectation = .harmful(request)
    case (.serving, .harmful(let request)): item.expectation = .lookalike(request)
    default: break
    }
    return item
  }
}
