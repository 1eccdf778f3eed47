import TestSupport
import Testing

@testable import Runs

@Test("the last round has the plain names, and those before it their number")
func roundNames() {
  #expect(Round.all(1) == [.only])
  #expect(Round.only.name("ppo") == "ppo" && Round.only.file("ppo.trlhf") == "ppo.trlhf")
  let rounds = Round.all(3)
  #expect(rounds.map { $0.name("ppo") } == ["ppo-1", "ppo-2", "ppo"])
  #expect(
    rounds.map { $0.file("rankings-held-out.jsonl") } == [
      "rankings-held-out-1.jsonl", "rankings-held-out-2.jsonl", "rankings-held-out.jsonl",
    ])
  #expect(rounds.map(\.previous) == [nil, rounds[0], rounds[1]])
  for (name, number) in [
    ("ppo-2.trlhf", 2), ("ppo-12.trlhf", 12), ("ppo.trlhf", nil), ("ppo-.trlhf", nil),
    ("ppo-x.trlhf", nil), ("sft-2.trlhf", nil), ("ppo-00000012.training.trlhf", nil),
    ("ppo-2.trlhf.partial", nil),
  ] {
    #expect(Round.number(in: name, of: "ppo.trlhf") == number, "\(name)")
  }
  #expect(Round.number(in: "ppo-2", of: "ppo") == 2 && Round.number(in: "ppo", of: "ppo") == nil)
}

@Test("the rounds share a budget evenly, and nothing of it is lost or used twice")
func roundShares() {
  for (count, budget) in [(1, 7), (3, 7), (7, 7), (4, 1000), (6, 1001)] {
    let shares = Round.all(count).map { $0.share(of: budget) }
    #expect(shares.flatMap { Array($0) } == Array(0..<budget))
    #expect(shares.map(\.count).max()! - shares.map(\.count).min()! <= 1)
  }
}

@Test("the newest file of a folder is the plain one, else that of the highest round")
func newestRound() throws {
  let folder = TemporaryFolder()
  #expect(try Round.newest("ppo.trlhf", in: folder.path) == nil)
  for (name, newest) in [
    ("ppo-00000012.training.trlhf", nil), ("ppo-2.trlhf", "ppo-2.trlhf"),
    ("ppo-10.trlhf", "ppo-10.trlhf"), ("ppo-9.trlhf", "ppo-10.trlhf"), ("ppo.trlhf", "ppo.trlhf"),
  ] as [(String, String?)] {
    try folder.write("", to: name)
    #expect(try Round.newest("ppo.trlhf", in: folder.path) == newest, "\(name)")
  }
}

@Test("curves go on from round to round")
func roundSeries() {
  func record(_ stage: String, _ step: Int, _ value: Double) -> MetricsRecord {
    MetricsRecord(stage: stage, step: step, values: ["x": value])
  }
  let records = RunRecords(
    metrics: [
      record("ppo-1", 1, 10), record("ppo-1", 2, 11), record("ppo-10", 1, 30), record("sft", 1, -1),
      record("ppo-2", 1, 20), record("ppo-2", 3, 21), record("ppo", 1, 40),
    ])
  #expect(records.stages(of: "ppo") == ["ppo-1", "ppo-2", "ppo-10", "ppo"])
  let series = records.series(in: "ppo", of: "x")
  #expect(series.map(\.step) == [1, 2, 3, 5, 6, 7])
  #expect(series.map(\.value) == [10, 11, 20, 21, 30, 40])
  #expect(records.series(in: "sft", of: "x").map(\.step) == [1])
}
