import Datasets
import Models
import Recipe
import Runs
import Support
import Tokenizers
import Training
import World

/// Whether a reward model still prefers the same answer when the prompt says the same in another way: a paraphrase,
/// an edit of white space, a begin token more or less (Wu et al. 2025, reWordBench, arXiv 2503.11751).
struct StabilityStudy: FileStudy {
  let name = "stability"
  let question =
    "Does a reward model rank answers alike when the prompt is paraphrased, or its white space or begin token edited?"
  let seeds = 3
  let columns = [
    "edit", "prompts", "pairs", "flipped", "flipped_low", "flipped_high", "flipped_sure", "other_best",
    "score_moved", "accuracy", "accuracy_plain",
  ]
  let takesReward = true

  func measure(_ laboratory: Laboratory) throws -> [StudyRow] {
    let (_, rankings, file) = try laboratory.rewarded()
    let rubric = Rubric(laboratory.world)
    let first = laboratory.settings.count(.rankingPrompts)
    let cases = laboratory.heldOutAnswers(rankings).enumerated().map { index, asked in
      RankStability.Case(
        prompt: asked.item.prompt,
        // The last of the other wordings: which one is as good as another.
        paraphrase: laboratory.world.wordings(.comparisons, first + index).dropFirst().last?.prompt,
        answers: asked.answers,
        values: asked.answers.map { rubric.grade($0, for: asked.item).gold })
    }
    return RankStability(try laboratory.scorer(file), seed: laboratory.seed).rows(cases)
  }

  /// Of a reward model of the user's and rankings of theirs, the settings' number at most.
  func measure(_ files: StudyFiles, _ workshop: Workshop) throws -> [StudyRow] {
    guard let reward = files.reward else { preconditionFailure("no reward model to look at") }
    let comparisons = files.comparisons.prefix(workshop.settings.count(.rankingPrompts))
    if comparisons.count < files.comparisons.count {
      workshop.context.note(
        "\(files.place): the first \(comparisons.count) of \(files.comparisons.count) are looked at")
    }
    let rows = RankStability(reward, seed: workshop.seed).rows(
      comparisons.map {
        // Rank 1 is the best.
        .init(prompt: $0.prompt.turns, answers: $0.completions, values: $0.ranks.map { -Double($0) })
      })
    guard !rows.isEmpty else {
      throw Failure(
        .badData, "none of \(comparisons.count) comparisons could be edited and scored", at: files.place,
        remedy:
          "Their answers must fit the model's context of \(reward.model.architecture.context) tokens, and differ in score.")
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
    let list = flips.map { "\($0.0) \($0.1.percent)" }.joined(separator: ", ")
    var text = """
      Of pairs of answers the reward model turns around, when the prompt is edited: \(list). \
      The most are turned by \(worst.0); there another answer becomes the best in \(best.percent) of \
      prompts, and of pairs more than a standard deviation apart \(sure.percent) turn.
      """
    if let loss = rows.with(["edit": worst.0]).gap("accuracy_plain", "accuracy") {
      text += """
         Of the pairs that the rubric, or who ranked them, puts in an order, \(loss.percent) fewer are in it after \
        that edit
        """
      text += loss.isClear || loss.low == nil ? "." : ", which may be none."
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
    var prompt: [Turn]
    /// The same prompt in other words, where someone knows them.
    var paraphrase: [Turn]?
    var answers: [String]
    /// What each answer is worth.
    var values: [Double]
  }

  private let reward: RewardScorer
  /// Of the intervals over prompts.
  private let seed: UInt64

  init(_ reward: RewardScorer, seed: UInt64) {
    self.reward = reward
    self.seed = seed
  }

  /// One row for each edit that changes a prompt.
  func rows(_ cases: [Case]) -> [StudyRow] {
    let tokenizer = reward.model.tokenizer
    func turns(_ edit: @escaping (Case) -> [Turn]?) -> (Case) -> [Int32]? {
      { edit($0).map { tokenizer.encode(prompt: $0) } }
    }
    func begin(_ edit: @escaping (Int32, [Int32]) -> [Int32]) -> (Case) -> [Int32]? {
      { item in tokenizer.beginToken.map { edit($0, tokenizer.encode(prompt: item.prompt)) } }
    }
    var edits: [(name: String, apply: (Case) -> [Int32]?)] = [
      ("paraphrase", turns(\.paraphrase))
    ]
    edits += PromptEdit.allCases.map { edit in
      (edit.rawValue, turns { edit.applied(to: $0.prompt) })
    }
    edits += [
      // The format of a chat has the token in front or has it not.
      ("begin-token", begin { token, prompt in
        prompt.first == token ? Array(prompt.dropFirst()) : [token] + prompt
      }),
      ("begin-token-twice", begin { token, prompt in [token, token] + prompt }),
    ]
    let plain = reward.scores(
      cases.map { tokenizer.encode(prompt: $0.prompt) }, cases.map(\.answers))
    return edits.compactMap { edit in
      var count = RankFlips()
      var kept: [(item: Case, prompt: [Int32], plain: [Double])] = []
      for (item, plain) in zip(cases, plain) {
        if let prompt = edit.apply(item) { kept.append((item, prompt, plain)) }
      }
      let edited = reward.scores(kept.map(\.prompt), kept.map(\.item.answers))
      for (original, edited) in zip(kept, edited) {
        count.add(original.plain, edited, values: original.item.values)
      }
      return count.row(edit.name, seed: seed)
    }
  }
}

/// How two scorings of the same answers differ.
struct RankFlips {
  /// Pairs of each prompt that turned, and all of them.
  private var prompts: [(got: Double, of: Double)] = []
  private var surePairs = 0
  private var sureFlipped = 0.0
  private var otherBest = 0
  private var moved = 0.0
  private var answers = 0
  private var after = PairAgreement()
  private var before = PairAgreement()

  /// A pair is sure that is as far apart as scores deviate: a normalised reward model's by 1.
  static let sure = 1.0

  /// The scores of one prompt's answers; none where they did not fit. Pairs that tie before are not
  /// counted, a tie afterwards is half a flip.
  mutating func add(_ plain: [Double], _ edited: [Double], values: [Double]) {
    guard plain.count > 1, edited.count == plain.count else { return }
    var (flipped, pairs) = (0.0, 0.0)
    for i in plain.indices {
      for j in plain.indices where plain[i] > plain[j] {
        let turned = edited[i] < edited[j] ? 1.0 : edited[i] == edited[j] ? 0.5 : 0
        pairs += 1
        flipped += turned
        guard plain[i] - plain[j] >= Self.sure else { continue }
        surePairs += 1
        sureFlipped += turned
      }
      moved += abs(edited[i] - plain[i])
      answers += 1
    }
    prompts.append((flipped, pairs))
    let best = plain.max()!
    let stays = plain.indices.contains { plain[$0] == best && edited[$0] == edited.max()! }
    otherBest += stays ? 0 : 1
    before.add(plain, values)
    after.add(edited, values)
  }

  /// nil where no pair was compared.
  /// - Parameter seed: of the interval over prompts.
  func row(_ edit: String, seed: UInt64) -> StudyRow? {
    let pairs = prompts.reduce(0) { $0 + $1.of }
    guard pairs > 0 else { return nil }
    let flipped = Bootstrap.ratio(prompts, seed: seed)
    return StudyRow(
      ["edit": edit],
      [
        "prompts": Double(prompts.count), "pairs": pairs, "flipped": flipped.mean,
        "flipped_low": flipped.low, "flipped_high": flipped.high,
        "flipped_sure": surePairs == 0 ? nil : sureFlipped / Double(surePairs),
        "other_best": Double(otherBest) / Double(prompts.count), "score_moved": moved / Double(answers),
        "accuracy": after.share, "accuracy_plain": before.share,
      ])
  }
}
