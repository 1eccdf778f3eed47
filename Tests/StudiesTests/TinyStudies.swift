import Evaluation
import Inference
import Stages
import Runs
import Support
import TestSupport
import Testing
import World

@testable import Studies

/// Studies of the least size, on a base model that has hardly learnt anything.
struct TinyStudies {
  /// The bytes of the base model's file.
  private static let base = Result { try makeBase() }

  /// What a study leaves.
  struct Left: Equatable {
    var table: [UInt8]
    var record: [UInt8]

    /// The lines of the table, each cut at its commas.
    var lines: [[String]] {
      String(decoding: table, as: UTF8.self).split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
    }
  }

  /// Runs a study with one seed in a run folder, or what is left of it.
  static func run(_ study: any Study, in path: String, resume: Bool = false) throws -> Left {
    let base = try Self.base.get()
    let context = try context(path, try settings(), resume: resume)
    try StudyRunner(study, context, seeds: 1, world: World(seed: 1)) { path in
      try Files.writeAtomically(base, to: path)
    }.run()
    return Left(
      table: try Files.read(context.run.file(RunFile.studyTable)),
      record: try Files.read(context.run.file(RunFile.study)))
  }

  private static func settings() throws -> Settings {
    var settings = Settings(quick: true)
    let values: [(Parameter, Double)] = [
      (.sftDemonstrations, 16), (.sftEpochs, 1), (.rankingPrompts, 64), (.completionsPerPrompt, 4),
      (.totalEpisodes, 16), (.ppoBatch, 8), (.ppoMiniBatches, 1), (.evaluationPrompts, 12),
      (.evaluationSamples, 2), (.evaluationDocuments, 4), (.responseLength, 8),
    ]
    for (parameter, value) in values { try settings.set(parameter, value) }
    return settings
  }

  private static func context(_ path: String, _ settings: Settings, resume: Bool) throws
    -> StageContext
  {
    try StageContext(
      run: try RunFolder.start(
        at: path,
        manifest: Manifest(command: [], configuration: [:], seed: 1, host: .current(threads: 2)),
        resume: resume),
      settings: settings, seed: 1, threads: 2, resumeCommand: "",
      progress: { stage, total, first in
        Progress(
          stage: stage, total: total, first: first,
          line: StatusLine(Terminal(redraws: false, colour: false, width: 80)) { _ in }, quiet: true)
      }, note: { _ in }, isInterrupted: { false })
  }

  private static func makeBase() throws -> [UInt8] {
    var settings = Settings(quick: true)
    let values: [(Parameter, Double)] = [
      (.layers, 1), (.dModel, 32), (.heads, 2), (.vocabulary, 400), (.context, 384),
      (.pretrainSteps, 20), (.pretrainBatch, 8),
    ]
    for (parameter, value) in values { try settings.set(parameter, value) }
    let folder = TemporaryFolder()
    let context = try context(folder.file("base"), settings, resume: false)
    _ = try PretrainStage(
      context, data: PretrainData(nil, worldSeed: 1, settings: settings, threads: 1)
    ).run()
    return try Files.read(context.run.file(PretrainStage.file))
  }
}

@Suite(.serialized) struct SmallestStudiesTests {
  private static let studies: [any Study] = [
    LabelersStudy(), GroupsStudy(), StabilityStudy(), LengthStudy(), SensitivityStudy(),
    GeneralizationStudy(),
  ]

  @Test(
    "a study of the least size fills its columns, and gives the same bytes again, resumed or anew",
    arguments: studies.map(\.name))
  func runs(_ name: String) throws {
    let study = try #require(Studies.named(name))
    let folder = TemporaryFolder()
    let first = try TinyStudies.run(study, in: folder.file("a"))
    let lines = first.lines
    #expect(lines[0] == ["seed"] + study.columns)
    #expect(lines.allSatisfy { $0.count == study.columns.count + 1 })
    #expect(Set(lines.dropFirst().map { $0[0] }) == ["1"])
    for (place, column) in lines[0].enumerated() {
      #expect(lines.dropFirst().contains { !$0[place].isEmpty }, "\(column) is empty")
    }
    let record = try JSON.decode(StudyRecord.self, from: first.record, at: "study.json")
    #expect(record.study == name && record.seeds == [1])
    #expect(!record.finding.isEmpty && !record.figures.isEmpty && !record.charts.isEmpty)
    #expect(try TinyStudies.run(study, in: folder.file("a"), resume: true) == first)
    #expect(try TinyStudies.run(study, in: folder.file("b")) == first)
  }
}
