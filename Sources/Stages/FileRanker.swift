import Datasets
import Dialogues
import Runs
import Support

/// Takes the rankings from a file that people write. If some are missing, it writes the answers that are still to be
/// ranked to `to-rank.jsonl` in the run's folder, and the run ends until they are ranked.
struct FileRanker: Ranker {
  private let path: String
  private let run: RunFolder
  private let resumeCommand: String

  init(path: String, _ context: StageContext) {
    self.path = path
    run = context.run
    resumeCommand = context.resumeCommand
  }

  func rank(_ tasks: [RankingTask], advance: () throws -> Void) throws -> [[Comparison]] {
    let ranked = RankedAnswers(Files.exists(path) ? try readRankings(path) : [])
    var (rankings, missing): ([[Comparison]], [UnrankedAnswers]) = ([], [])
    for task in tasks {
      let found = ranked.rankings(of: task.answers)
      if found.isEmpty { missing.append(task.answers) }
      rankings.append(found)
      try advance()
    }
    let queue = run.file(RunFile.toRank)
    guard missing.isEmpty else {
      try Files.writeAtomically(missing.flatMap { $0.line + [0x0A] }, to: queue)
      throw Failure(
        .busy, "has no ranks for the answers to \(missing.count) of \(tasks.count) prompts", at: path,
        remedy: "They are in \(queue): add \"ranks\" to each line (1 for the best), append the lines to \(path), "
          + "then continue with: \(resumeCommand)", code: .ranksMissing)
    }
    try run.remove(RunFile.toRank)
    return rankings
  }
}
