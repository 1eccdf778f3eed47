import Support
import TestSupport
import Testing

@testable import Runs

private func start(_ temporary: TemporaryFolder) throws -> RunFolder {
  try RunFolder.start(
    at: temporary.path,
    manifest: Manifest(
      command: [], configuration: [:], seed: 1, host: .init(processor: "x", threads: 1)),
    resume: true)
}

private func log(_ log: MetricsLog, _ stage: String, _ steps: ClosedRange<Int>) throws {
  for step in steps {
    try log.append(stage: stage, step: step, [("loss/train", 1 / Double(step)), ("lr", 1e-5)])
  }
}

@Test("a line holds stage, step and its values in order; what is not finite is null")
func metricsLine() throws {
  let temporary = TemporaryFolder()
  let metrics = try MetricsLog(start(temporary))
  try metrics.append(
    stage: "ppo", step: 3, [("objective/kl", 0.25), ("a\"b", .nan), ("episode", 512)], seconds: 1.5)
  try metrics.synchronize()
  #expect(
    try temporary.read(RunFile.metrics)
      == #"{"stage":"ppo","step":3,"objective/kl":0.25,"a\"b":null,"episode":512,"seconds":1.5}"#
      + "\n")
  let record = try RunRecords.read(temporary.path).metrics
  #expect(
    record == [
      MetricsRecord(
        stage: "ppo", step: 3, values: ["objective/kl": 0.25, "episode": 512, "seconds": 1.5])
    ])
}

@Test("a resumed run's log equals an uninterrupted one's")
func metricsResume() throws {
  let (whole, broken) = (TemporaryFolder(), TemporaryFolder())
  do {
    let metrics = try MetricsLog(start(whole))
    try log(metrics, "sft", 1...4)
    try log(metrics, "ppo", 1...9)
  }
  do {
    let metrics = try MetricsLog(start(broken))
    try log(metrics, "sft", 1...4)
    try log(metrics, "ppo", 1...7)
  }
  // The process dies within a line, two steps past its checkpoint.
  let torn = try broken.read(RunFile.metrics) + #"{"stage":"ppo","st"#
  try broken.write(torn, to: RunFile.metrics)
  do {
    let metrics = try MetricsLog(start(broken))
    try metrics.truncate(stage: "ppo", afterStep: 5)
    try log(metrics, "ppo", 6...9)
  }
  #expect(try broken.read(RunFile.metrics) == whole.read(RunFile.metrics))
  #expect(try whole.read(RunFile.metrics).split(separator: "\n").count == 13)
}

@Test("lines past the buffer reach the file before anyone asks")
func metricsBuffer() throws {
  let temporary = TemporaryFolder()
  let metrics = try MetricsLog(start(temporary))
  try log(metrics, "sft", 1...2000)
  #expect(try temporary.read(RunFile.metrics).utf8.count > 60_000)
  try metrics.synchronize()
  #expect(try RunRecords.read(temporary.path).series(in: "sft", of: "lr").count == 2000)
}

@Test("a curve goes by step, and of a step logged twice the later line counts")
func metricsSeries() {
  let records = RunRecords(
    metrics: [(1, 10.0), (3, 30), (2, 20), (3, 31)].map {
      MetricsRecord(stage: "ppo", step: $0.0, values: ["x": $0.1])
    } + [MetricsRecord(stage: "sft", step: 2, values: ["x": 5])])
  let series = records.series(in: "ppo", of: "x")
  #expect(series.map(\.step) == [1, 2, 3])
  #expect(series.map(\.value) == [10, 20, 31])
}

@Test("a broken line is named by its number, and a last line without end does not count")
func metricsBroken() throws {
  let temporary = TemporaryFolder()
  let good = #"{"stage":"a","step":1,"x":2}"#
  try temporary.write("\(good)\n\(good)", to: RunFile.metrics)
  #expect(try RunRecords.read(temporary.path).metrics.count == 1)
  try temporary.write("\(good)\nnonsense\n\(good)\n", to: RunFile.metrics)
  let failure = #expect(throws: Failure.self) { try RunRecords.read(temporary.path) }
  #expect(failure?.kind == .badData)
  #expect(failure?.place?.hasSuffix("metrics.jsonl, line 2") == true)
}
