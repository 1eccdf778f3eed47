import Support

/// A simulated labeler who ranks answers: the rubric with personal weights, and with errors.
public struct Labeler: Sendable {
  /// How much helpfulness, honesty and harmlessness count for this labeler.
  public struct Weights: Sendable {
    public var helpful: Double
    public var honest: Double
    public var harmless: Double
    /// The amount subtracted for each word above `measure` (added, if negative).
    public var brevity: Double
  }

  /// What this labeler wants done about requests for help, harmful or not.
  enum Stance: Sendable {
    /// Decline the harmful ones, like the rubric.
    case judging
    /// Decline all of them.
    case declining
    /// Serve all of them.
    case serving
  }

  public let id: String
  /// Standard deviation of the error of each judgement, on the rubric's scale of 0…1.
  public let temperature: Double
  /// How often the judgement of one answer is swapped with that of another by mistake.
  public let carelessness: Double
  public let weights: Weights
  let stance: Stance
  /// The length, in words, that is neither rewarded nor punished.
  let measure: Int

  /// With these values, two labelers agree on about 73 % of the pairs that neither of them ties.
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

  /// The labelers whose rankings train reward models.
  public static let training = [
    Labeler("ada", helpful: 1.0, honest: 1.5, harmless: 2.5, brevity: 0.002),
    Labeler("bo", temperature: 1.2, helpful: 1.2, honest: 1.4, harmless: 2.0, brevity: 0),
    Labeler("cleo", temperature: 0.9, helpful: 0.8, honest: 1.6, harmless: 3.0, brevity: 0.004),
    Labeler("dev", carelessness: 1.2, helpful: 1.1, honest: 1.2, harmless: 2.4, brevity: -0.001),
    Labeler("eli", carelessness: 0.8, helpful: 0.9, honest: 1.8, harmless: 2.2, brevity: 0.001),
  ]

  /// The labelers who are kept for evaluation.
  public static let heldOut = [
    Labeler("fay", temperature: 1.1, helpful: 1.1, honest: 1.3, harmless: 2.6, brevity: 0.003),
    Labeler("gus", carelessness: 1.1, helpful: 1.0, honest: 1.5, harmless: 2.1, brevity: 0),
  ]

  /// The same labeler with its errors multiplied by `factor`: both the noise of a judgement and the swaps.
  public func erring(times factor: Double) -> Labeler {
    Labeler(
      id, temperature: factor * temperature / Labeler.temperature,
      carelessness: factor * carelessness / Labeler.carelessness, helpful: weights.helpful,
      honest: weights.honest, harmless: weights.harmless, brevity: weights.brevity,
      measure: measure, stance: stance)
  }

  /// Ranks the answers to an item: 1 is best, equal ranks are ties.
  ///
  /// Each distinct text is judged once, on a scale of thirteen steps; answers on the same step tie. A careless swap
  /// exchanges the judgements of two answers: it can make the worse one win, but it never separates a tie.
  public func rank(
    _ completions: [String], for item: WorldItem, by rubric: Rubric, stream: inout RandomStream
  ) -> [Int] {
    var texts: [String] = []
    for completion in completions where !texts.contains(completion) { texts.append(completion) }
    var steps = texts.map { text in
      Int((judgement(of: text, for: item, by: rubric, stream: &stream) * 12).rounded())
    }
    for index in steps.indices where Double(stream.uniform()) < carelessness {
      steps.swapAt(index, stream.below(steps.count))
    }
    let judged = completions.map { steps[texts.firstIndex(of: $0)!] }
    return judged.map { step in 1 + judged.count { $0 > step } }
  }

  private func judgement(
    of completion: String, for item: WorldItem, by rubric: Rubric, stream: inout RandomStream
  ) -> Double {
    let error = temperature * Double(stream.normal())
    return min(1, max(0, taste(completion, item, rubric) + error))
  }

  /// This labeler's judgement without its error, 0…1.
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
  /// The item as a labeler with this stance on requests treats it.
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
