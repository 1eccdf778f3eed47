import Support
import Testing

@testable import Training

/// Prompts with three answers whose features vary in some of 24 directions, ranked by their first three.
private struct Laboratory {
  static let (width, answers) = (24, 3)
  private var random = RandomStream(seed: 5, purpose: "tests/heads")

  mutating func prompt(varying directions: Range<Int>) -> (features: [Float], ranks: [Int]) {
    var features = [Float](repeating: 1, count: Self.width * Self.answers)
    for answer in 0..<Self.answers {
      for index in directions { features[answer * Self.width + index] += random.normal() }
    }
    let worth = (0..<Self.answers).map { answer in
      (0..<3).reduce(Float(0)) { $0 + features[answer * Self.width + $1] }
    }
    return (features, worth.map { own in 1 + worth.count { $0 > own } })
  }
}

@Suite("Reward heads")
struct RewardHeadsTests {
  private static let (known, unknown) = (0..<8, 8..<24)

  /// Six heads that have learnt from prompts whose answers vary in the known directions.
  private func trained(_ laboratory: inout Laboratory, prompts: Int = 400) -> RewardHeads {
    var heads = RewardHeads(count: 6, width: Laboratory.width, total: prompts, seed: 1)
    for _ in 0..<prompts {
      let (features, ranks) = laboratory.prompt(varying: Self.known)
      heads.learn(features[...], ranks: ranks)
    }
    return heads
  }

  @Test("heads agree on what the rankings decide, and differ where they do not")
  func disagreement() {
    var laboratory = Laboratory()
    let fresh = RewardHeads(count: 6, width: Laboratory.width, total: 1, seed: 1)
    let heads = trained(&laboratory)
    var (known, unknown, before) = (0.0, 0.0, 0.0)
    for _ in 0..<200 {
      let (features, _) = laboratory.prompt(varying: Self.known)
      known += heads.disagreement(features[...])
      before += fresh.disagreement(features[...])
      unknown += heads.disagreement(laboratory.prompt(varying: Self.unknown).features[...])
    }
    // Sixteen directions against eight count twice.
    #expect(known < 0.5 * before && unknown > 4 * known, "\(known), \(before), \(unknown)")
    for (index, weights) in heads.weights.enumerated() {
      for other in heads.weights[(index + 1)...] { #expect(weights != other) }
    }
  }

  @Test("every head has learnt what better answers have in common")
  func accuracy() {
    var laboratory = Laboratory()
    let heads = trained(&laboratory)
    let width = Laboratory.width
    for weights in heads.weights {
      var (right, pairs) = (0, 0)
      for _ in 0..<200 {
        let (features, ranks) = laboratory.prompt(varying: Self.known)
        let scores = ranks.indices.map { answer in
          (0..<width).reduce(Float(0)) { $0 + weights[$1] * features[answer * width + $1] }
        }
        for i in ranks.indices {
          for j in ranks.indices where ranks[i] < ranks[j] {
            pairs += 1
            if scores[i] > scores[j] { right += 1 }
          }
        }
      }
      #expect(Double(right) > 0.85 * Double(pairs), "\(right) of \(pairs)")
    }
  }

  @Test("equal answers and ties teach heads nothing, and on equal answers they agree")
  func nothing() {
    var heads = RewardHeads(count: 2, width: 4, total: 9, seed: 3)
    let before = heads.weights
    for _ in 0..<4 {
      heads.learn([1, 2, 3, 4, 1, 2, 3, 4][...], ranks: [1, 2])
      heads.learn([1, 2, 3, 4, 0, 0, 0, 0][...], ranks: [1, 1])
    }
    #expect(heads.weights == before)
    #expect(heads.disagreement([1, 2, 3, 4, 1, 2, 3, 4][...]) == 0)
    #expect(heads.disagreement([1, 2, 3, 4, 0, 0, 0, 0][...]) > 0)
  }
}
