import Datasets
import Recipe
import Support

/// Rankings that name their labelers, parted by labeler and by prompt: what a reward model learns from, and what it is
/// asked, whose prompts it has not seen and some of whose labelers it does not know.
struct LabelerSplit {
  /// A quarter of the labelers, one at least.
  let heldOutLabelers: Set<String>
  /// Of the other labelers, on prompts that are not asked; in an order of the seed's.
  let training: [Comparison]
  /// Of all labelers, on a fifth of the prompts.
  let test: [Comparison]
  /// How often two labelers order a pair alike, wherever two ranked the same answers; nil where none did.
  let agreement: Double?

  /// - Throws: `Failure(.badData)` without two labelers, or where nothing is left to learn from or to ask.
  init(_ files: StudyFiles, seed: UInt64) throws {
    let named = files.comparisons.filter { $0.labeler != nil }
    var labelers = Set(named.map { $0.labeler! }).sorted()
    guard labelers.count > 1 else {
      throw Failure(
        .badData,
        "\(named.count) of \(files.comparisons.count) rankings name a labeler, \(labelers.count) different ones",
        at: files.place, remedy: "Give rankings of two labelers or more, \"labeler\" in each line.")
    }
    var random = RandomStream(seed: seed, purpose: "study/labelers/split")
    random.shuffle(&labelers)
    let heldOut = Set(labelers.prefix(max(1, labelers.count / 4)))
    var prompts: [Prompt] = []
    var seen: Set<Prompt> = []
    for comparison in named where seen.insert(comparison.prompt).inserted {
      prompts.append(comparison.prompt)
    }
    random.shuffle(&prompts)
    let asked = Set(prompts.prefix(max(1, prompts.count / 5)))
    var training = named.filter { !asked.contains($0.prompt) && !heldOut.contains($0.labeler!) }
    random.shuffle(&training)
    test = named.filter { asked.contains($0.prompt) }
    self.training = training
    heldOutLabelers = heldOut
    agreement = Self.agreement(named)
    guard !training.isEmpty, test.contains(where: { !$0.isAllTies }) else {
      throw Failure(
        .badData, "\(prompts.count) prompts and \(labelers.count) labelers are too few to hold some of both out",
        at: files.place, remedy: "Give more rankings, or labelers who ranked more prompts each.")
    }
  }

  private static func agreement(_ comparisons: [Comparison]) -> Double? {
    struct Answers: Hashable {
      var prompt: Prompt
      var completions: [String]
    }
    var agreement = LabelerAgreement()
    let groups = Dictionary(grouping: comparisons) {
      Answers(prompt: $0.prompt, completions: $0.completions)
    }
    for same in groups.values {
      for i in same.indices {
        for j in same.indices.dropFirst(i + 1) where same[i].labeler != same[j].labeler {
          agreement.add(same[i].ranks, same[j].ranks)
        }
      }
    }
    return agreement.share
  }
}
