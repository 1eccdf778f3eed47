import Dialogues
import Evaluation
import Inference
import Models
import Stages
import Statistics
import Tokenizers
import World

/// A model's answer to an item of the world, with the rubric's grade.
struct GradedText: Codable {
  var text: String
  var gold: Double

  var words: Int { World.phraseWords(text).count }
}

extension [[GradedText]] {
  var grades: [[Double]] { map { $0.map(\.gold) } }
}

extension Laboratory {
  /// Samples a model's answers to items, or reads them from the cache file. A prompt that leaves no room for an answer
  /// gets none.
  ///
  /// - Parameters:
  ///   - name: the name of the cache file, after "asked-".
  ///   - prompts: used instead of the items' own prompts.
  ///   - temperature: 0 takes the most probable token.
  /// - Returns: [item][sample]
  func gradedAnswers(
    _ name: String, of model: String, to items: [WorldItem], prompts: [Prompt]? = nil, samples: Int,
    temperature: Float = 1
  ) throws -> [[GradedText]] {
    try cached("asked-\(name)") {
      let model = try open(model)
      let prompts = prompts ?? items.map { Prompt(turns: $0.prompt) }
      let room = model.architecture.context - settings.count(.responseLength)
      let fitting = try prompts.indices.filter {
        try model.tokenizer.encode(prompt: prompts[$0]).count <= room
      }
      var evaluator = try evaluator(model, settings)
      evaluator.temperature = temperature
      let answers = try evaluator.answers(
        to: PromptSet(
          fitting.map { items[$0] }, prompts: fitting.map { prompts[$0] }, samples: samples,
          purpose: "study/ask"))
      var asked = [[GradedText]](repeating: [], count: items.count)
      for (index, answers) in zip(fitting, answers.byPrompt) {
        asked[index] = answers.compactMap { answer in
          answer.grade.map { GradedText(text: answer.answer.text, gold: $0.gold) }
        }
      }
      return asked
    }
  }

  /// A reward model's scores of answers to items: [item][answer].
  func scores(_ reward: RewardScorer, _ items: [WorldItem], _ answers: [[String]]) throws -> [[Double]] {
    reward.scores(try items.map { try reward.model.tokenizer.encode(prompt: $0.prompt) }, answers)
  }

  /// The prompts of the held-out rankings with their answers, each prompt once.
  func heldOutAnswers(_ rankings: Rankings) -> [(number: Int, item: WorldItem, answers: [String])] {
    let heldOut = HeldOutRankings(rankings.heldOut, world: world, settings)
    var seen: Set<Int> = []
    return rankings.heldOut.indices.compactMap { index in
      guard let (number, item) = heldOut.item(index), seen.insert(number).inserted else { return nil }
      return (number, item, rankings.heldOut[index].completions)
    }
  }
}

extension RewardScorer {
  /// The reward model's scores of answers to prompts: [prompt][answer]. If any answer to a prompt does not fit the
  /// context, the prompt's list is empty.
  func scores(_ prompts: [[Int32]], _ answers: [[String]]) -> [[Double]] {
    let tokenizer = model.tokenizer
    let sequences = zip(prompts, answers).map { prompt, answers in
      let sequences = answers.map { prompt + tokenizer.encode(completion: $0) }
      return sequences.allSatisfy { $0.count <= model.architecture.context } ? sequences : []
    }
    var all = scores(sequences.flatMap { $0 })[...]
    return sequences.map { group in
      defer { all = all.dropFirst(group.count) }
      return all.prefix(group.count).map { Double($0) }
    }
  }
}
