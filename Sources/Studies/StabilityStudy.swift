import Dialogues
import Evaluation
import Inference
import Models
import Stages
import Statistics
import Support
import Tokenizers
import World

/// Whether a reward model still prefers the same answer when the prompt says the same in another way: a paraphrase,
/// an edit of white space, a begin token more or less (Wu et al. 2025, reWordBench, arXiv 2503.11751).
struct StabilityStudy: FileStudy {
  let name = "stability"
  let question =
    "Does a reward model rank answers alike when the prompt is paraphrased, or its white space or begin token edited?"
  let seeds = 3
  let columns = [
    "edit", "prompts", "pairs", "sure_pairs", "flipped", "flipped_low", "flipped_high", "flipped_sure", "other_best",
    "score_moved", "accuracy", "accuracy_plain", "accuracy_lost", "accuracy_lost_low", "accuracy_lost_high",
  ]
  let takesReward = true

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let (_, rankings, file) = try laboratory.rewarded()
    let rubric = Rubric(laboratory.world)
    let first = laboratory.settings.count(.rankingPrompts)
    let cases = laboratory.heldOutAnswers(rankings).enumerated().map { index, asked in
      RankStability.Case(
        prompt: Prompt(turns: asked.item.prompt),
        // The last of the other wordings: which one is as good as another.
        paraphrase: laboratory.world.wordings(.comparisons, first + index).dropFirst().last?.prompt,
        answers: asked.answers,
        orders: [asked.answers.map { rubric.grade($0, for: asked.item).gold }])
    }
    return try RankStability(try laboratory.scorer(file), laboratory).rows(cases)
  }

  func check(_ files: StudyFiles, seed: UInt64) {}

  /// Of a reward model of the user's and rankings of theirs.
  func measure(_ files: StudyFiles, _ workshop: Workshop) throws -> [StudyRow] {
    guard let reward = files.reward else { preconditionFailure("no reward model to look at") }
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
        text: "No pair of answers got different scores: nothing could be turned around.", figures: [],
        charts: [])
    }
    let sure = rows.with(["edit": worst.0]).estimate("flipped_sure")
    let best = rows.with(["edit": worst.0]).estimate("other_best")
    let list = flips.map { edit, share in
      "\(edit) \(share.percent)\(rows.with(["edit": edit]).sized("pairs", "pairs"))"
    }.joined(separator: ", ")
    var text = """
      Of pairs of answers the reward model turns around, when the prompt is edited: \(list). \
      The most are turned by \(worst.0); there another answer becomes the best in \(best.percent) of \
      prompts\(rows.with(["edit": worst.0]).sized("prompts", "prompts")), and of pairs more than a standard deviation \
      apart \(sure.percent) turn\(rows.with(["edit": worst.0]).sized("sure_pairs", "pairs")).
      """
    if let loss = rows.with(["edit": worst.0]).estimate("accuracy_lost") {
      text += """
         Of the pairs that the rubric, or who ranked them, puts in an order, \(loss.percent) fewer are in it \
        after that edit
        """
      text += loss.isClear ? "." : ", which may be none."
    }
    if let sure {
      text += sure.mean < 0.02 ? " What turns are toss-ups." : " What turns are not toss-ups alone."
    }
    text += """
       Wu et al. (2025) found that edits which keep the meaning cost published reward models much of their accuracy.
      """
    return StudyFinding(
      text: text,
      figures: flips.map {
        .init(
          "pairs turned by \($0.0)", $0.1,
          published: "large drops of accuracy under such edits (Wu et al. 2025)")
      },
      charts: [
        .dots("Pairs turned around", "share of pairs", rows, by: "edit", "flipped"),
        .dots(
          "Pairs turned around that are a standard deviation apart", "share of such pairs", rows,
          by: "edit", "flipped_sure"),
        .dots("Another answer becomes the best", "share of prompts", rows, by: "edit", "other_best"),
      ])
  }
}

/// What edits of prompts do to a reward model's rankings.
struct RankStability {
  /// A prompt with answers.
  struct Case {
    var prompt: Prompt
    /// The same prompt in other words, where someone knows them.
    var paraphrase: [Turn]?
    var answers: [String]
    /// What each answer is worth, as each judge has it; nil of one that a judge did not see.
    var orders: [[Double?]]
  }

  /// Each prompt once, with all that was ranked under it and by whomever.
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
      // The format of a chat has the token in front or has it not.
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
        count.add(original.plain, edited, orders: original.item.orders)
      }
      return count.row(edit.name)
    }
  }
}

/// How two scorings of the same answers differ.
struct RankFlips {
  /// Pairs of each prompt: a turned one is a win, one that ties afterwards a tie.
  private var prompts: [Tally] = []
  /// Pairs of each prompt that were in a judge's order and are not (wins), that came into it (losses), and those
  /// that stayed as they were (ties).
  private var lost: [Tally] = []
  /// Those of all prompts that were sure.
  private var surePairs = Tally()
  private var otherBest = 0
  private var moved = 0.0
  private var answers = 0
  private var after = Tally()
  private var before = Tally()

  /// A pair is sure that is as far apart as scores deviate: a normalised reward model's by 1.
  static let sure = 1.0

  /// The scores of one prompt's answers; none where they did not fit. Pairs that tie before are not
  /// counted, a tie afterwards is half a flip.
  ///
  /// - Parameter orders: what each answer is worth, by each judge.
  mutating func add(_ plain: [Double], _ edited: [Double], orders: [[Double?]]) {
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

  /// nil where no pair was compared.
  func row(_ edit: String) -> StudyRow? {
    let pairs = prompts.reduce(0) { $0 + $1.count }
    guard pairs > 0 else { return nil }
    let flipped = Interval(over: prompts)
    // A share of one half is a loss of nothing.
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
  /// A pair of which so much is lost, −1…1; what is neither lost nor won is a tie.
  fileprivate mutating func add(loss: Double) {
    add(Tally(wins: max(0, loss), ties: 1 - abs(loss), losses: max(0, -loss)))
  }
}
