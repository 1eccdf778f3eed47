import Dialogues
import Evaluation
import Support

/// Splits rankings that name their labelers into a training set and a test set, by labeler and by prompt. The test
/// set has other prompts than the training set, and also rankings by held-out labelers.
struct LabelerSplit {
  /// A quarter of the labelers who ranked test prompts, at least one.
  let heldOutLabelers: Set<String>
  /// Rankings by the other labelers on prompts that are not in the test set, in an order that the seed determines.
  let training: [Comparison]
  /// Rankings by all labelers on a fifth of the prompts.
  let test: [Comparison]
  /// Agreement of labelers who ranked the same answers.
  let agreement: LabelerAgreement

  /// - Throws: `Failure(.badData)` if there are fewer than two labelers, if only one labeler ranked test prompts, or if
  ///   the training set is empty.
  init(_ files: StudyFiles, seed: UInt64) throws {
    let named = files.comparisons.filter { $0.labeler != nil && !$0.isAllTies }
    let count = Set(named.map { $0.labeler! }).count
    guard count > 1 else {
      throw Failure(
        .badData,
        "\(named.count) of \(files.comparisons.count) rankings name a labeler, "
          + "and there are \(count) different ones",
        at: files.place, remedy: "Give rankings by at least two labelers, with \"labeler\" in each line.")
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
        "\(prompts.count) prompts and \(count) labelers are too few to hold out some of both",
        at: files.place, remedy: "Give more rankings, or more prompts that several labelers ranked.")
    }
    self.test = test
    self.training = training
    heldOutLabelers = heldOut
    agreement = LabelerAgreement(named)
  }
}
