import Support
import Testing

@testable import Studies

/// What studies say of rows that were made up.
@Suite struct FindingTests {
  private func rows(_ seeds: Int, _ row: (UInt64) -> [StudyRow]) -> StudyRows {
    StudyRows(
      (1...UInt64(seeds)).flatMap { seed in
        row(seed).map {
          var row = $0
          row.seed = seed
          return row
        }
      })
  }

  /// Gold that rises to a peak at 4 nats and falls, or rises all the way, while the proxy rises.
  private func course(falls: Bool) -> StudyRows {
    rows(2) { seed in
      (0...10).map { step in
        let kl = Double(step)
        let gain = falls ? 0.1 - 0.00625 * (kl - 4) * (kl - 4) : 0.02 * kl
        return StudyRow(
          ["method": "ppo"],
          [
            "comparisons": 100, "step": kl, "kl": kl, "proxy": kl / 5, "gain": gain,
            "gold": 0.8 + gain,
          ])
      }
        + [1, 2, 64].map { n in
          StudyRow(
            ["method": "best-of-n"],
            [
              "comparisons": 100, "n": n, "kl": DeterministicMath.log(n), "proxy": n / 64,
              "gain": n / 640, "gold": 0.8,
            ])
        }
    }
  }

  @Test("overoptimization says that proxy and gold part where gold falls under a rising proxy, and where gold peaks")
  func overoptimization() {
    let parted = OveroptimizationStudy().conclude(course(falls: true))
    #expect(parted.text.contains("diverge for 1 of 1"))
    #expect(parted.text.contains("at a KL of 4.0 nats"))
    #expect(parted.figures.first { $0.name.hasPrefix("KL where gold peaks") }?.value == 4)
    let rising = OveroptimizationStudy().conclude(course(falls: false))
    #expect(rising.text.contains("diverge for 0 of 1"))
  }

  @Test("a single lucky look is no peak, a single unlucky one no fall, and seeds are named by their own peaks")
  func luckyLooks() {
    // Gold rises evenly; one look in the middle is far too high, the last one too low.
    let rows = rows(2) { seed in
      (0...10).map { step in
        let luck = step == 4 ? 0.03 : step == 10 ? -0.02 : 0
        return StudyRow(
          ["method": "ppo"],
          [
            "comparisons": 100, "step": Double(step), "kl": Double(step), "proxy": Double(step),
            "gain": 0.01 * Double(step) * Double(seed) + luck,
          ])
      } + [
        StudyRow(["method": "best-of-n"], ["comparisons": 100, "n": 1, "kl": 0, "proxy": 0, "gain": 0])
      ]
    }
    let text = OveroptimizationStudy().conclude(rows).text
    #expect(text.contains("diverge for 0 of 1") && text.contains("at a KL of 9.0 nats"), "\(text)")
    #expect(text.contains("seed by seed +0.083 to +0.173 at 9.0 to 9.0 nats"), "\(text)")
  }

  private func precision(_ corrected: Double, _ plain: Double) -> StudyFinding {
    PrecisionStudy().conclude(
      rows(3) { seed in
        [("float32", 0.9), ("int8, corrected", corrected), ("int8, uncorrected", plain)].map {
          // The seeds differ, and each arm a little on its own.
          let noise = 0.01 * Double(seed) + ($0 == "float32" ? 0 : 0.001 * Double(seed % 2))
          return StudyRow(["arm": $0], ["gold": $1 + noise, "k3": 1e-4, "is_max": 1.2])
        }
      })
  }

  @Test("precision calls an arm worse only where the seeds agree that it is")
  func precision() {
    let level = precision(0.8995, 0.8)
    #expect(level.text.contains("corrected int8 is level within the noise of the seeds"))
    #expect(level.text.contains("uncorrected int8 is worse, beyond the noise of the seeds"))
  }

  private func budget(_ demonstrations: Double) -> StudyFinding {
    BudgetStudy().conclude(
      rows(3) { seed in
        // The seeds differ, and each arm a little on its own.
        func row(_ arm: String, _ count: Double, _ gold: Double, _ rate: Double? = nil) -> StudyRow {
          let noise = 0.02 * Double(seed) + 0.0001 * Double((seed * UInt64(count)) % 3)
          return StudyRow(
            ["arm": arm],
            [
              "demonstrations": count, "rankings": 1000, "gold": gold + noise,
              "prompts_per_demonstration": rate,
            ])
        }
        return [row("sft", 60, 0.7), row("ppo", 60, 0.8), row("best-of-16", 60, 0.82)]
          + [
            row("more demonstrations", 75, 0.72, 64), row("more demonstrations", 121, 0.8, 16),
            row("more demonstrations", 310, demonstrations, 4),
          ]
      })
  }

  @Test("budget says at which prices of a demonstration rankings win, lose, and nobody can tell")
  func budget() {
    let finding = budget(0.85).text
    #expect(finding.contains("PPO wins at a price of 64, loses at a price of 4"))
    #expect(finding.contains("level within the noise of the seeds at a price of 16"))
    #expect(budget(0.75).text.contains("PPO wins at a price of 64, 4"))
  }

  @Test("rounds says which numbers of rounds are better beyond the noise, and which are not")
  func rounds() {
    let finding = RoundsStudy().conclude(
      rows(3) { seed in
        [("one round", 0.8), ("2 rounds", 0.85), ("4 rounds", 0.8 + 0.01 * Double(seed % 2))].map {
          StudyRow(["arm": $0], ["gold": $1 + 0.001 * Double(seed), "kl": 1])
        }
      })
    #expect(finding.text.contains("2 rounds do better, beyond the noise"))
    #expect(!finding.text.contains("4 rounds do"))
  }

  @Test("scale says whether the smallest aligned model beats the largest base")
  func scale() {
    func finding(_ aligned: Double) -> String {
      ScaleStudy().conclude(
        rows(1) { _ in
          [("large", 2.7e6, 0.6, 0.9), ("small", 1e5, 0.4, aligned)].flatMap { size, count, base, ppo in
            [("base", base), ("sft", 0.5), ("ppo", ppo)].map {
              StudyRow(
                ["model": size, "stage": $0],
                ["parameters": count, "gold": $1, "win_rate_vs_largest_base": 0.6])
            }
          }
        }).text
    }
    #expect(finding(0.7).contains("beats the largest base"))
    #expect(finding(0.5).contains("does not beat the largest base"))
  }
}
