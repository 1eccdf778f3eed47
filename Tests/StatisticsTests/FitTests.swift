import Foundation
import Support
import Testing

@testable import Statistics

/// What numpy, PyTorch and mpmath compute; Tools/goldens/make_statistics.py says what each field is.
private struct Golden: Decodable {
  struct Curve: Decodable {
    var form: GoldCurve.Form
    var kl, gold: [Double]
    var alpha, beta, residual, r_squared, peak_kl: Double
  }

  struct Lengths: Decodable {
    /// [prompt][contest], each its points and by how much our answer is longer.
    var prompts: [[[Double]]]
    var win_rate, length: Double

    var contests: [[Contest]] {
      prompts.map { prompt in
        prompt.map { Contest($0[0] == 1 ? .win : $0[0] == 0 ? .loss : .tie, extraLength: Int($0[1])) }
      }
    }
  }

  struct Slope: Decodable {
    var sizes, y: [Double]
    var slope, standard_error: Double
  }

  var tolerance: Double
  var gold_curves: [Curve]
  var length: [Lengths]
  var slope: Slope
  /// Degrees of freedom and the quantile.
  var student: [[Double]]

  static func load() throws -> Golden {
    let path = try #require(
      Bundle.module.path(forResource: "statistics", ofType: "json", inDirectory: "Goldens"))
    return try JSON.decode(Golden.self, from: Files.read(path), at: path)
  }
}

/// |ours − golden| ≤ tolerance · max(1, |golden|), element by element.
private func expectClose(
  _ ours: [Double], _ golden: [Double], _ tolerance: Double, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(ours.count == golden.count, sourceLocation: sourceLocation)
  for (a, b) in zip(ours, golden) {
    #expect(abs(a - b) <= tolerance * max(1, abs(b)), "\(a) against \(b)", sourceLocation: sourceLocation)
  }
}

private func expectClose(
  _ ours: Double, _ golden: Double, _ tolerance: Double, sourceLocation: SourceLocation = #_sourceLocation
) {
  expectClose([ours], [golden], tolerance, sourceLocation: sourceLocation)
}

// MARK: Gao's forms

@Test("Gao's forms agree with numpy's least squares, and their peaks with a search")
func goldCurves() throws {
  let golden = try Golden.load()
  #expect(golden.gold_curves.count == 4)
  for expected in golden.gold_curves {
    let curve = try #require(GoldCurve(expected.form, kl: expected.kl, gold: expected.gold))
    let rSquared = try #require(curve.rSquared)
    expectClose(
      [curve.alpha, curve.beta, curve.residual, rSquared],
      [expected.alpha, expected.beta, expected.residual, expected.r_squared], golden.tolerance)
    // The search's grid is as fine as a hundred-thousandth.
    expectClose(curve.peakKL ?? -1, expected.peak_kl, 1e-4)
  }
}

@Test("points on a curve of Gao's give that curve back, and its peak")
func exactCurves() throws {
  let kl = [0, 0.25, 1, 4, 9, 16, 25]
  let bestOfN = try #require(
    GoldCurve(.bestOfN, kl: kl, gold: kl.map { $0.squareRoot() * 2 - 0.25 * $0 }))
  expectClose([bestOfN.alpha, bestOfN.beta], [2, 0.25], 1e-12)
  expectClose(try #require(bestOfN.peakKL), 16, 1e-10)
  expectClose(bestOfN.gold(atKL: 16), 4, 1e-11)
  expectClose(try #require(bestOfN.rSquared), 1, 1e-12)
  let form = GoldCurve.Form.reinforcement
  let gold = kl.map { kl in
    let terms = form.terms(kl.squareRoot())
    return 1.5 * terms.0 - terms.1
  }
  let learnt = try #require(GoldCurve(form, kl: kl, gold: gold))
  expectClose([learnt.alpha, learnt.beta], [1.5, 1], 1e-12)
  // d = e^(α/β − 1) = √e, so that KL is e.
  expectClose(try #require(learnt.peakKL), 2.718281828459045, 1e-10)
}

@Test("gold that still rises at the farthest point has no peak, and gold that only falls one at 0")
func noPeak() throws {
  let kl = [0.5, 1, 2, 4, 8]
  let rising = try #require(GoldCurve(.bestOfN, kl: kl, gold: kl.map { $0.squareRoot() - 0.01 * $0 }))
  #expect(rising.peakKL == nil)
  let bending = try #require(
    GoldCurve(.reinforcement, kl: kl, gold: kl.map { $0.squareRoot() + $0 }))
  #expect(bending.beta < 0 && bending.peakKL == nil)
  let falling = try #require(
    GoldCurve(.bestOfN, kl: kl, gold: kl.map { -$0.squareRoot() - 0.5 * $0 }))
  #expect(falling.peakKL == 0)
}

@Test("a curve needs two distances, and an estimate of KL below 0 counts as 0")
func tooFewPoints() throws {
  #expect(GoldCurve(.bestOfN, kl: [], gold: []) == nil)
  #expect(GoldCurve(.bestOfN, kl: [0, 4, 4], gold: [0, 1, 2]) == nil)
  #expect(GoldCurve(.reinforcement, kl: [0, 0], gold: [0, 1]) == nil)
  let kl = [1.0, 4, 9]
  let gold = [0.5, 0.8, 0.7]
  let curve = try #require(GoldCurve(.reinforcement, kl: kl, gold: gold))
  let withZero = try #require(GoldCurve(.reinforcement, kl: kl + [-0.01], gold: gold + [0]))
  #expect(withZero.alpha == curve.alpha && withZero.beta == curve.beta)
}

// MARK: length control

@Test("the length-controlled win rate agrees with PyTorch's fit of the same likelihood")
func lengthControl() throws {
  let golden = try Golden.load()
  #expect(golden.length.count == 3)
  for expected in golden.length {
    let found = try #require(LengthControl(expected.contests, resamples: 20, seed: 1))
    expectClose(found.winRate.mean, expected.win_rate, golden.tolerance)
    expectClose(found.lengthEffect.mean, expected.length, golden.tolerance)
  }
}

@Test("exchanging the two models turns the length-controlled win rate around")
func lengthControlIsFair() throws {
  let prompts = try Golden.load().length[0].contests
  let ours = try #require(LengthControl(prompts, resamples: 50, seed: 1))
  let theirs = try #require(
    LengthControl(
      prompts.map { prompt in
        prompt.map { contest in
          let outcome: Outcome =
            contest.outcome == .win ? .loss : contest.outcome == .loss ? .win : .tie
          return Contest(outcome, extraLength: -contest.extraLength)
        }
      }, resamples: 50, seed: 1))
  expectClose(ours.winRate.mean + theirs.winRate.mean, 1, 1e-12)
  expectClose(ours.lengthEffect.mean, theirs.lengthEffect.mean, 1e-10)
  expectClose(ours.winRate.low + theirs.winRate.high, 1, 1e-9)
}

@Test("a judge who only minds length sees no difference once length is controlled")
func onlyLength() throws {
  // Ours is longer in three prompts of four, and the longer one wins four times of five.
  var stream = RandomStream(seed: 1, purpose: "test/length")
  let prompts = (0..<3000).map { index -> [Contest] in
    let extra = stream.below(4) == 0 ? -4 : 4
    let longerWins = stream.below(5) > 0
    return [Contest(longerWins == (extra > 0) ? .win : .loss, extraLength: extra)]
  }
  let found = try #require(LengthControl(prompts, resamples: 100, seed: 2))
  #expect(abs(found.uncontrolled.mean - 0.65) < 0.02, "\(found.uncontrolled)")
  #expect(found.winRate.low < 0.5 && found.winRate.high > 0.5, "\(found.winRate)")
  #expect(found.winRate.high - found.winRate.low < 0.08)
  // s = 8·√(¾·¼), and σ(φ·tanh(4/s)) = ⅘.
  #expect(found.lengthEffect.low < 1.69 && found.lengthEffect.high > 1.69, "\(found.lengthEffect)")
}

@Test("where lengths do not differ the controlled win rate is the counted one")
func equalLengths() throws {
  for extra in [0, 5] {
    let prompts = (0..<200).map { [Contest($0 % 4 == 0 ? .loss : .win, extraLength: extra)] }
    let found = try #require(LengthControl(prompts, resamples: 100, seed: 3))
    #expect(abs(found.winRate.mean - 0.75) < 1e-4 && found.lengthEffect.mean == 0)
    #expect(found.winRate.low < 0.72 && found.winRate.high > 0.78)
  }
}

@Test("winning every contest gives a finite fit close to 1, and no contest gives none")
func separable() throws {
  let prompts = (0..<100).map { [Contest(.win, extraLength: $0 % 7)] }
  let found = try #require(LengthControl(prompts, resamples: 50, seed: 3))
  #expect(found.winRate.mean > 0.99 && found.winRate.mean < 1)
  #expect(found.lengthEffect.mean.isFinite && found.winRate.low > 0.99)
  #expect(LengthControl([[], []], seed: 1) == nil)
}

// MARK: Student's t

@Test("quantiles of Student's t agree with those by its integral")
func studentQuantiles() throws {
  let pairs = try Golden.load().student
  #expect(pairs.count == 15)
  for pair in pairs { expectClose(Student.quantile(Int(pair[0])), pair[1], 1e-6) }
}

@Test("the mean of three figures has an interval of 4.303 standard errors to each side")
func meanOfFew() throws {
  let found = try #require(Student.mean([1, 2, 6]))
  // Variance 7, so that the standard error is √(7/3).
  expectClose([found.mean, found.high - 3, 3 - found.low], [3, 6.572411, 6.572411], 1e-6)
  #expect(Student.mean([4]) == nil && Student.mean([]) == nil)
  #expect(Student.mean([5, 5]) == Interval(mean: 5, low: 5, high: 5))
}

@Test("the slope per doubling and its standard error agree with numpy's polyfit")
func slopes() throws {
  let golden = try Golden.load()
  let expected = golden.slope
  let found = try #require(Student.slopePerDoubling(sizes: expected.sizes, y: expected.y))
  let error = (found.high - found.mean) / Student.quantile(expected.sizes.count - 2)
  expectClose([found.mean, error], [expected.slope, expected.standard_error], golden.tolerance)
  let exact = try #require(Student.slopePerDoubling(sizes: [1, 2, 4, 8], y: [5, 7, 9, 11]))
  expectClose([exact.mean, exact.low, exact.high], [2, 2, 2], 1e-9)
  #expect(Student.slopePerDoubling(sizes: [1, 2], y: [1, 2]) == nil)
  #expect(Student.slopePerDoubling(sizes: [4, 4, 4], y: [1, 2, 3]) == nil)
}
