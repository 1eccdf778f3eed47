import Models
import Recipe
import Runs
import Support
import World

/// Runs a study in a run folder: seed after seed, then what the rows say, as a table and as a record that the report
/// is drawn from.
public struct StudyRunner {
  let study: any Study
  let context: StageContext
  let seeds: Int
  let world: World
  let base: (String) throws -> Void

  /// - Parameters:
  ///   - seeds: from the context's on; nil for the study's own number, or all that were begun.
  ///   - base: puts the base model, expanded, at a path.
  public init(
    _ study: any Study, _ context: StageContext, seeds: Int?, world: World,
    base: @escaping (String) throws -> Void
  ) {
    self.study = study
    self.context = context
    self.seeds = seeds ?? max(study.seeds, Self.begun(in: context))
    self.world = world
    self.base = base
  }

  /// Runs what is left of the study; leaves `study.csv` and `study.json`.
  public func run() throws {
    let start = Clock.monotonic()
    try context.run.begin(Self.stage)
    do {
      try write(StudyRows(try measure()))
    } catch {
      // The study's own error matters more than one of the manifest.
      try? context.run.pause(Self.stage, seconds: Clock.monotonic() - start)
      throw error
    }
    try context.run.finish(
      Self.stage, seconds: Clock.monotonic() - start, checkpoint: RunFile.study)
  }

  private static let stage = "study"

  /// Seeds that follow one another from the context's on and have a folder.
  private static func begun(in context: StageContext) -> Int {
    var count = 0
    while Files.exists(context.run.file(Laboratory.folder(context.seed + UInt64(count)))) { count += 1 }
    return count
  }

  private func measure() throws -> [StudyRow] {
    try (0..<UInt64(seeds)).flatMap { number in
      let seed = context.seed + number
      let laboratory = try Laboratory(context, seed: seed, world: world, base: try baseModel())
      return try study.measure(laboratory).map {
        var row = $0
        row.seed = seed
        return row
      }
    }
  }

  private func baseModel() throws -> String {
    let path = context.run.file(PretrainStage.file)
    if !Files.exists(path) { try base(path) }
    return path
  }

  private func write(_ rows: StudyRows) throws {
    try Files.writeAtomically(
      Array(rows.csv(study.columns).utf8), to: context.run.file(RunFile.studyTable))
    var finding = study.conclude(rows)
    finding.text +=
      rows.seeds.count > 1
      ? " Intervals are of 95 %, over \(rows.seeds.count) seeds."
      : " This is one seed; what seeds would change is not known."
    try context.run.write(
      StudyRecord(
        study: study.name, question: study.question, seeds: rows.seeds, finding: finding.text,
        figures: finding.figures, charts: finding.charts))
  }
}
