import Dialogues
import Evaluation
import Inference
import Models
import Stages
import Statistics
import Support
import Tokenizers
import World

/// Tests whether a reward model still prefers the same answer if the prompt keeps its meaning but changes its form: a
/// paraphrase, an edit of white space, one begin token more or less (Wu et al. 2025, reWordBench, arXiv 2503.11751).
struct StabilityStudy: FileStudy {
  let name = "stability"
  let question =
    "Does a reward model keep its ranking of answers if the prompt's wording, white space or begin token changes?"
  let seeds = 3
  let columns = [
    "edit", "prompts", "pairs", "sure_pairs", "flipped", "flipped_low", "flipped_high", "flipped_sure", "other_best",
    "score_moved", "accuracy", "accuracy_plain", "accuracy_lost", "accuracy_lost_low", "accuracy_lost_high",
  ]
  let takesReward = true

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let (_, rankings, file) = try laboratory.rewarded()
    let rubric = Rubric(laboratory.world)
    let cases = laboratory.heldOutAnswers(rankings).map { asked in
      RankStability.Case(
        prompt: Prompt(turns: asked.item.prompt),
        // Any other wording would do; the last one is used.
        paraphrase: laboratory.world.wordings(.comparisons, asked.number).dropFirst().last?.prompt,
        answers: asked.answers,
        orders: [asked.answers.map { rubric.grade($0, for: asked.item).gold }])
    }
    return try RankStability(try laboratory.scorer(file), laboratory).rows(cases)
  }

  func check(_ files: StudyFiles, seed: UInt64) {}

  /// Measures the user's reward model on the user's rankings.
  func measure(_ files: StudyFiles, _ workshop: Workshop) throws -> [StudyRow] {
    guard let reward = files.reward else { preconditionFailure("no reward model to examine") }
    let rows = try RankStability(reward, workshop).rows(RankStability.cases(files.comparisons))
    guard !rows.isEmpty else {
      throw Failure(
        .badData, "none of \(files.comparisons.count) comparisons could be edited and scored",
        at: files.place,
        remedy: """
          Their answers must fit the model's context of \(reward.model.architecture.context) tokens, and differ \
          in score.
          """)
    }
    return rows
  }

  func conclude(_ rows: StudyRows) -> StudyFinding {
    let edits = rows.distinctLabels("edit")
    let flips = edits.compactMap { edit in
      rows.with(["edit": edit]).estimate("flipped").map { (edit, $0) }
    }
    guard let worst = flips.max(by: { $0.1.mean < $1.1.mean }) else {
      return StudyFinding(
        text: "No pair of answers got different scores, so no order could change.", figures: [],
        charts: [])
    }
    let sure = rows.with(["edit": worst.0]).estimate("flipped_sure")
    let best = rows.with(["edit": worst.0]).estimate("other_best")
    let list = flips.map { edit, share in
      "\(edit) \(share.percent)\(rows.with(["edit": edit]).sized("pairs", unit: "pairs"))"
    }.joined(separator: ", ")
    var text = """
      If the prompt is edited, the reward model reverses the order of this share of pairs of answers: \(list). \
      Most pairs are reversed by \(worst.0): another answer becomes the best in \(best.percent) of \
      prompts\(rows.with(["edit": worst.0]).sized("prompts", unit: "prompts")), and of pairs at least a standard \
      deviation apart, \(sure.percent) are reversed\(rows.with(["edit": worst.0]).sized("sure_pairs", unit: "pairs")).
      """
    if let loss = rows.with(["edit": worst.0]).estimate("accuracy_lost") {
      text += " After that edit, the share of pairs in the order of the rubric or the labelers is \(loss.percent) lower"
      text += loss.isClear ? "." : ", which may be chance."
    }
    if let sure {
      text += sure.mean < 0.02 ? " So almost only close pairs are reversed." : " So clear pairs are reversed, too."
    }
    text += """
       Wu et al. (2025) found that published reward models lose much accuracy with edits that keep the meaning.
      """
    return StudyFinding(
      text: text,
      figures: flips.map {
        .init(
          "pairs turned by \($0.0)", $0.1,
          published: "large drops of accuracy under such edits (Wu et al. 2025)")
      },
      charts: [
        .dots("Pairs turned around", unit: "share of pairs", rows, by: "edit", column: "flipped"),
        .dots(
          "Pairs turned around that are a standard deviation apart", unit: "share of such pairs", rows,
          by: "edit", column: "flipped_sure"),
        .dots("Another answer becomes the best", unit: "share of prompts", rows, by: "edit", column: "other_best"),
      ])
  }
}

/// Measures how edits of prompts change a reward model's rankings.
struct RankStability {
  /// A prompt with answers.
  struct Case {
    var prompt: Prompt
    /// A paraphrase of the prompt, if there is one.
    var paraphrase: [Turn]?
    var answers: [String]
    /// The value of each answer by each judge: [judge][answer]; nil for answers that a judge did not see.
    var orders: [[Double?]]
  }

  /// Groups rankings by prompt: each prompt once, with all its answers and the rankings of all judges.
  static func cases(_ comparisons: some Sequence<Comparison>) -> [Case] {
    var places: [Prompt: Int] = [:]
    var cases: [(prompt: Prompt, answers: [String], rankings: [Comparison])] = []
    for comparison in comparisons {
      let place = places[comparison.prompt, default: cases.count]
      if place == cases.count {
        places[comparison.prompt] = place
        cases.append((comparison.prompt, [], []))
      }
      for answer in comparison.completions where !cases[place].answers.contains(answer) {
        cases[place].answers.append(answer)
      }
      cases[place].rankings.append(comparison)
    }
    return cases.map { prompt, answers, rankings in
      Case(
        prompt: prompt, answers: answers,
        orders: rankings.map { ranking in
          answers.map { answer in
            // Rank 1 is the best.
            ranking.completions.firstIndex(of: answer).map { -Double(ranking.ranks[$0]) }
          }
        })
    }
  }

  private let reward: RewardScorer
  private let workshop: Workshop

  init(_ reward: RewardScorer, _ workshop: Workshop) {
    self.reward = reward
    self.workshop = workshop
  }

  /// One row for each edit that changes a prompt.
  /// - Throws: `Failure(.interrupted)` between two edits.
  func rows(_ cases: [Case]) throws -> [StudyRow] {
    let tokenizer = reward.model.tokenizer
    func turns(_ edit: @escaping (Case) -> [Turn]?) -> (Case) throws -> [Int32]? {
      { item in
        try edit(item).map { turns in
          var prompt = item.prompt
          prompt.turns = turns
          return try tokenizer.encode(prompt: prompt)
        }
      }
    }
    func begin(_ edit: @escaping (Int32, [Int32]) -> [Int32]) -> (Case) throws -> [Int32]? {
      { item in try tokenizer.beginToken.map { edit($0, try tokenizer.encode(prompt: item.prompt)) } }
    }
    var edits: [(name: String, apply: (Case) throws -> [Int32]?)] = [
      ("paraphrase", turns(\.paraphrase))
    ]
    edits += PromptEdit.allCases.map { edit in
      (edit.rawValue, turns { edit.applied(to: $0.prompt.turns) })
    }
    edits += [
      // Removes a begin token if there is one, else adds one.
      ("begin-token", begin { token, prompt in
        prompt.first == token ? Array(prompt.dropFirst()) : [token] + prompt
      }),
      ("begin-token-twice", begin { token, prompt in [token, token] + prompt }),
    ]
    let plain = reward.scores(
      try cases.map { try tokenizer.encode(prompt: $0.prompt) }, cases.map(\.answers))
    return try edits.compactMap { edit in
      try workshop.checkInterruption()
      var count = RankFlips()
      var kept: [(item: Case, prompt: [Int32], plain: [Double])] = []
      for (item, plain) in zip(cases, plain) {
        if let prompt = try edit.apply(item) { kept.append((item, prompt, plain)) }
      }
      let edited = reward.scores(kept.map(\.prompt), kept.map(\.item.answers))
      for (original, edited) in zip(kept, edited) {
        count.add(original.plain, edited: edited, orders: original.item.orders)
      }
      return count.row(edit.name)
    }
  }
}

/// Counts the differences between two scorings of the same answers.
struct RankFlips {
  /// The pairs of each prompt: a reversed pair is a win, a pair that ties after the edit is a tie.
  private var prompts: [Tally] = []
  /// The pairs of each prompt compared with a judge's order: a win if the edit removed the agreement, a loss if it
  /// created it, and a tie if it changed nothing.
  private var lost: [Tally] = []
  /// The pairs of all prompts whose plain scores differ by `sure` or more.
  private var surePairs = Tally()
  private var otherBest = 0
  private var moved = 0.0
  private var answers = 0
  private var after = Tally()
  private var before = Tally()

  /// A pair is sure if its scores differ by at least one standard deviation, which is 1 for a normalised reward model.
  static let sure = 1.0

  /// Adds the scores of one prompt's answers, before and after the edit; empty lists (answers did not fit) are ignored.
  /// Pairs that tie before the edit are not counted; a tie after it counts as half a flip.
  ///
  /// - Parameter orders: the value of each answer by each judge: [judge][answer].
  mutating func add(_ plain: [Double], edited: [Double], orders: [[Double?]]) {
    guard plain.count > 1, edited.count == plain.count else { return }
    var pairs = Tally()
    for i in plain.indices {
      for j in plain.indices where plain[i] > plain[j] {
        let turned = Outcome(edited[j], against: edited[i])
        pairs.add(turned)
        if plain[i] - plain[j] >= Self.sure { surePairs.add(turned) }
      }
      moved += abs(edited[i] - plain[i])
      answers += 1
    }
    prompts.append(pairs)
    let best = plain.max()!
    let stays = plain.indices.contains { plain[$0] == best && edited[$0] == edited.max()! }
    otherBest += stays ? 0 : 1
    var lost = Tally()
    for values in orders {
      for i in values.indices {
        for j in values.indices {
          guard let better = values[i], let worse = values[j], better > worse else { continue }
          let (was, stays) = (Outcome(plain[i], against: plain[j]), Outcome(edited[i], against: edited[j]))
          lost.add(loss: was.points - stays.points)
          before.add(was)
          after.add(stays)
        }
      }
    }
    self.lost.append(lost)
  }

  /// The row of an edit; nil if no pair was compared.
  func row(_ edit: String) -> StudyRow? {
    let pairs = prompts.reduce(0) { $0 + $1.count }
    guard pairs > 0 else { return nil }
    let flipped = Interval(over: prompts)
    // A share of one half means that nothing was lost, so 2·share − 1 is the loss.
    let bounds = before.count == 0 ? nil : Interval(over: self.lost)
    let lost = before.count == 0 ? nil : (before.points - after.points) / before.count
    return StudyRow(
      ["edit": edit],
      [
        "prompts": Double(prompts.count), "pairs": pairs, "sure_pairs": surePairs.count, "flipped": flipped.mean,
        "flipped_low": flipped.low, "flipped_high": flipped.high,
        "flipped_sure": surePairs.share,
        "other_best": Double(otherBest) / Double(prompts.count), "score_moved": moved / Double(answers),
        "accuracy": after.share, "accuracy_plain": before.share, "accuracy_lost": lost,
        "accuracy_lost_low": bounds.map { 2 * $0.low - 1 }, "accuracy_lost_high": bounds.map { 2 * $0.high - 1 },
      ])
  }
}

extension Tally {
  /// Adds one pair with a loss in −1…1: a lost part counts as a win, a gained part as a loss, the rest as a tie.
  fileprivate mutating func add(loss: Double) {
    add(Tally(wins: max(0, loss), ties: 1 - abs(loss), losses: max(0, -loss)))
  }
}
