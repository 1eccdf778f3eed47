import Dialogues
import Evaluation
import Support

/// Rankings that name their labelers, parted by labeler and by prompt: what a reward model learns from, and
/// what it is asked, whose prompts it has not seen and some of whose labelers it does not know.
struct LabelerSplit {
  /// A quarter of those who ranked what is asked, one at least.
  let heldOutLabelers: Set<String>
  /// Of the other labelers, on prompts that are not asked; in an order of the seed's.
  let training: [Comparison]
  /// Of all labelers, on a fifth of the prompts.
  let test: [Comparison]
  /// Wherever two ranked the same answers.
  let agreement: LabelerAgreement

  /// - Throws: `Failure(.badData)` without two labelers, or where nothing is left to learn from, or to ask
  ///   on behalf of those who teach or of those who do not.
  init(_ files: StudyFiles, seed: UInt64) throws {
    let named = files.comparisons.filter { $0.labeler != nil && !$0.isAllTies }
    let count = Set(named.map { $0.labeler! }).count
    guard count > 1 else {
      throw Failure(
        .badData,
        "\(named.count) of \(files.comparisons.count) rankings name a labeler, "
          + "and there are \(count) different ones",
        at: files.place, remedy: "Give rankings of two labelers or more, \"labeler\" in each line.")
    }
    var random = RandomStream(seed: seed, purpose: "study/labelers/split")
    var prompts: [Prompt] = []
    var seen: Set<Prompt> = []
    for comparison in named where seen.insert(comparison.prompt).inserted {
      prompts.append(comparison.prompt)
    }
    random.shuffle(&prompts)
    let asked = Set(prompts.prefix(max(1, prompts.count / 5)))
    let test = named.filter { asked.contains($0.prompt) }
    var judges = Set(test.map { $0.labeler! }).sorted()
    random.shuffle(&judges)
    let heldOut = Set(judges.prefix(max(1, judges.count / 4)))
    var training = named.filter { !asked.contains($0.prompt) && !heldOut.contains($0.labeler!) }
    random.shuffle(&training)
    guard judges.count > 1, !training.isEmpty else {
      throw Failure(
        .badData,
        "\(prompts.count) prompts and \(count) labelers are too few to hold some of both out",
        at: files.place, remedy: "Give more rankings, or labelers who ranked more of the same prompts.")
    }
    self.test = test
    self.training = training
    heldOutLabelers = heldOut
    agreement = LabelerAgreement(named)
  }
}
