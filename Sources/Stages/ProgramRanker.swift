import Dialogues
import Runs
import Support

/// Asks a program to rank: it reads a line `{"completions", "policy", "prompt"}` and answers with a line `{"ranks"}`,
/// to which it may add `"labeler"` and `"seconds"`.
///
/// Each ranking is appended to `judgements.jsonl` in the run's folder before the next one is asked for, so that a
/// resumed run does not ask again.
struct ProgramRanker: Ranker {
  private let command: String
  private let context: StageContext
  private let journal: Journal<Comparison>

  init(command: String, _ context: StageContext) throws {
    self.command = command
    self.context = context
    journal = try Journal(context.run, RunFile.judgements)
  }

  func rank(_ tasks: [RankingTask], advance: () throws -> Void) throws -> [[Comparison]] {
    let earlier = RankedAnswers(journal.earlier)
    var program: LineProgram?
    return try tasks.map { task in
      var rankings = earlier.rankings(of: task.answers)
      if rankings.isEmpty {
        let running = try program ?? LineProgram(command: command)
        program = running
        rankings = [try rank(task.answers, running)]
        try journal.append(rankings[0])
      }
      try advance()
      return rankings
    }
  }

  private func rank(_ answers: UnrankedAnswers, _ program: LineProgram) throws -> Comparison {
    guard let line = try program.answer(to: answers.line) else {
      // An interrupt from the terminal ends the program too.
      if context.isInterrupted() { throw context.interrupted() }
      throw Failure(
        .failed, "\(program.ending), but answers are still to be ranked", at: command,
        remedy: "Correct it, then continue with: \(context.resumeCommand)")
    }
    return try Failure.locating("\(command), which answered \(Self.shown(line))") {
      do { return try Self.comparison(answers, line) } catch var failure as Failure {
        failure.remedy = "It must print one line such as {\"ranks\": [2, 1, 3]} for each line that it reads. "
          + "Correct it, then continue with: \(context.resumeCommand)"
        throw failure
      }
    }
  }

  /// The beginning of an answer, for a message.
  private static func shown(_ line: [UInt8]) -> String {
    let text = String(decoding: line, as: UTF8.self)
    return text.count > 80 ? "\(text.prefix(80))…" : text
  }

  /// - Throws: `Failure(.badData)` without a place.
  private static func comparison(_ answers: UnrankedAnswers, _ line: [UInt8]) throws -> Comparison {
    let answer = try JSON.parse(line, at: "")
    guard let values = answer["ranks"]?.array else { throw Failure(.badData, "there is no list \"ranks\"") }
    let ranks = values.compactMap(\.integer)
    guard ranks.count == values.count else { throw Failure(.badData, "a rank is not a whole number") }
    if let problem = Comparison.problem(answers: answers.completions.count, ranks: ranks) {
      throw Failure(.badData, problem)
    }
    return Comparison(
      prompt: answers.prompt, completions: answers.completions, ranks: ranks, labeler: answer["labeler"]?.string,
      policy: answers.policy, seconds: answer["seconds"]?.number)
  }
}
