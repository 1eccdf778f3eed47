import FoundationEssentials
import Support
import TestSupport
import Testing

@testable import Runs

@Suite struct MetricDeclarationTests {
  private let folder = TemporaryFolder()
  private static let loss = Metric(
    "loss", unit: "nats", better: .lower,
    chart: .init("Loss", place: 2, line: "training", isPercent: true, includes: [0], reference: .init(value: 1, name: "chance")))

  private func run() throws -> RunFolder {
    try RunFolder.start(
      at: folder.path,
      manifest: Manifest(command: [], configuration: [:], seed: 1, host: .init(processor: "x", threads: 1)),
      resume: true)
  }

  @Test("a run folder says what its metrics are, stage by stage, also after it was resumed")
  func declarations() throws {
    do {
      let log = try MetricsLog(run())
      try log.append(stage: "sft", step: 1, [(Self.loss, 0.5)])
      try log.append(stage: "reward", step: 1, [(Metric("loss", unit: "nats per pair"), 0.5)])
      try log.synchronize()
    }
    do {
      let log = try MetricsLog(run())
      try log.append(stage: "sft", step: 2, [(Self.loss, 0.25), (Metric("epoch"), 1)])
      try log.synchronize()
    }
    let records = try RunRecords.read(folder.path)
    let metrics = records.metrics(of: "sft")
    #expect(metrics.map(\.name) == ["epoch", "loss"])
    #expect(metrics[1].unit == "nats" && metrics[1].better == .lower && metrics[1].chart == Self.loss.chart)
    #expect(records.metrics(of: "reward").map(\.unit) == ["nats per pair"])
  }

  @Test("the metrics of a run that declares none have their names alone")
  func undeclared() throws {
    let log = try MetricsLog(run())
    try log.append(stage: "ppo-1", step: 1, [(Self.loss, 0.5)])
    try log.synchronize()
    try FileManager.default.removeItem(atPath: folder.file(RunFile.metricDeclarations))
    let metrics = try RunRecords.read(folder.path).metrics(of: "ppo")
    #expect(metrics.map(\.name) == ["loss"] && metrics[0].unit.isEmpty && metrics[0].chart == nil)
  }

  @Test("higher, lower or neither is better, as a metric says")
  func direction() {
    #expect(Self.loss.isBetter(1, than: 2) && !Self.loss.isBetter(2, than: 1) && !Self.loss.isBetter(1, than: 1))
    #expect(Metric("a", better: .higher).isBetter(2, than: 1))
    #expect(!Metric("a").isBetter(2, than: 1) && !Metric("a").isBetter(1, than: 2))
    #expect(!Self.loss.isBetter(.nan, than: 1) && !Self.loss.isBetter(1, than: .nan))
  }
}

extension MetricDeclarationTests {
  @Test("a damaged declaration stops no run, and a newer one replaces an older one")
  func renewed() throws {
    for text in ["nonsense", "{\"sft\":[{\"name\":\"loss\",\"unit\":\"old\",\"better\":\"sideways\",\"chart\":{\"title\":\"Old\"}}]}"] {
      let folder = TemporaryFolder()
      let run = try RunFolder.start(
        at: folder.path,
        manifest: Manifest(command: [], configuration: [:], seed: 1, host: .init(processor: "x", threads: 1)),
        resume: true)
      try folder.write(text, to: RunFile.metricDeclarations)
      let log = try MetricsLog(run)
      try log.append(stage: "sft", step: 1, [(Metric("loss", unit: "nats", better: .lower), 0.5)])
      try log.synchronize()
      let metrics = try RunRecords.read(folder.path).metrics(of: "sft")
      #expect(metrics.map(\.unit) == ["nats"] && metrics[0].better == .lower && metrics[0].chart == nil)
    }
  }
}
