import Evaluation
import Inference
import Runs
import Stages
import Support
import World

/// Runs a study in a run folder: measures seed after seed, draws the conclusion, and writes a table and a record for
/// the report.
public struct StudyRunner {
  let study: any Study
  let context: StageContext
  let seeds: Int
  /// Whether the study draws no random numbers, so that another seed would give the same result.
  let drawsNothing: Bool
  private let measure: (UInt64) throws -> [StudyRow]

  /// A study of the built-in world.
  ///
  /// - Parameters:
  ///   - seeds: number of seeds, starting with the context's; nil for the study's own number, or the number of seeds
  ///     that were already begun if that is larger.
  ///   - base: writes the base model, expanded, to a path.
  public init(
    _ study: any Study, _ context: StageContext, seeds: Int?, world: World,
    base: @escaping (String) throws -> Void
  ) {
    self.init(study, context, seeds: seeds ?? Self.seeds(study, context)) { seed in
      try study.measure(
        Laboratory(context, seed: seed, world: world, base: try Self.put(base, in: context)))
    }
  }

  /// A study of the user's files, which the study has already checked. A study that only examines a reward model uses
  /// one seed, because it draws no random numbers.
  public init(
    _ study: any FileStudy, _ context: StageContext, seeds: Int?, files: StudyFiles,
    base: @escaping (String) throws -> Void
  ) {
    let only = study.takesReward
    self.init(
      study, context, seeds: only ? 1 : seeds ?? Self.seeds(study, context), drawsNothing: only
    ) { seed in
      let base = only ? "" : try Self.put(base, in: context)
      return try study.measure(files, Workshop(context, seed: seed, base: base))
    }
  }

  private init(
    _ study: any Study, _ context: StageContext, seeds: Int, drawsNothing: Bool = false,
    _ measure: @escaping (UInt64) throws -> [StudyRow]
  ) {
    self.study = study
    self.context = context
    self.seeds = seeds
    self.drawsNothing = drawsNothing
    self.measure = measure
  }

  private static func seeds(_ study: any Study, _ context: StageContext) -> Int {
    max(study.seeds, begun(in: context))
  }

  /// Runs the unfinished part of the study; writes `study.csv` and `study.json`.
  public func run() throws {
    let start = Clock.monotonic()
    try context.run.begin(Self.stage)
    do {
      try write(StudyRows(try measureSeeds()))
    } catch {
      // If the manifest cannot be written either, the study's own error is the one to report.
      try? context.run.pause(Self.stage, seconds: Clock.monotonic() - start)
      throw error
    }
    try context.run.finish(
      Self.stage, seconds: Clock.monotonic() - start, checkpoint: RunFile.study)
  }

  private static let stage = "study"

  /// Number of consecutive seeds, starting with the context's, that have a folder.
  private static func begun(in context: StageContext) -> Int {
    var count = 0
    while Files.exists(context.run.file(Workshop.folder(context.seed + UInt64(count)))) { count += 1 }
    return count
  }

  private func measureSeeds() throws -> [StudyRow] {
    try (0..<UInt64(seeds)).flatMap { number in
      let seed = context.seed + number
      return try measure(seed).map {
        var row = $0
        row.seed = seed
        return row
      }
    }
  }

  /// The path of the base model in the study's folder; writes the file if it does not exist.
  private static func put(_ base: (String) throws -> Void, in context: StageContext) throws -> String {
    let path = context.run.file(PretrainStage.file)
    if !Files.exists(path) { try base(path) }
    return path
  }

  private func write(_ rows: StudyRows) throws {
    try Files.writeAtomically(
      Array(rows.csv(study.columns).utf8), to: context.run.file(RunFile.studyTable))
    var finding = study.conclude(rows)
    finding.text += " " + scope(rows)
    try context.run.write(
      StudyRecord(
        study: study.name, question: study.question, seeds: rows.seeds, finding: finding.text,
        figures: finding.figures, charts: finding.charts))
  }

  /// A sentence that says whether the intervals are over seeds or over prompts.
  private func scope(_ rows: StudyRows) -> String {
    let prompts = "Intervals are 95 % intervals over prompts"
    if drawsNothing { return "\(prompts); the study draws no random numbers." }
    guard rows.seeds.count == 1 else { return "Intervals are 95 % intervals over \(rows.seeds.count) seeds." }
    let unknown = "There is only one seed, so the variation between seeds is not known."
    return rows.hasBoundsOverPrompts ? "\(prompts). \(unknown)" : unknown
  }
}
