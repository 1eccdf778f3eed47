import Dialogues
import Support

/// Finds the tokens of answers in the text of a chat template.
struct TemplateAnswers {
  private let tokenizer: Tokenizer
  private let template: ChatTemplate

  init(_ tokenizer: Tokenizer, _ template: ChatTemplate) {
    self.tokenizer = tokenizer
    self.template = template
  }

  /// The limit for the total bytes rendered for one dialogue. The dialogue is rendered once for each answer, so time
  /// grows with this total.
  private static let longest = 1 << 24

  /// A text that ends with an answer.
  private struct Answered {
    var text: RenderedDialogue
    /// The bytes of the answer with its end token: one range, or the ranges that the template marks; none is empty.
    var answer: [Range<Int>]
  }

  /// See `Tokenizer.encode(dialogue:learning:)`.
  func sequences(_ dialogue: Prompt, learning: [Int]) throws -> [LearntTokens] {
    guard !learning.isEmpty else { return [LearntTokens(tokens: try tokenizer.encode(dialogue: dialogue), learnt: [])] }
    var sequences: [(text: RenderedDialogue, answers: [Range<Int>])] = []
    var rendered = 0
    for turn in learning.reversed() {
      let answered = try answered(dialogue, turn)
      rendered += answered.text.bytes.count
      guard rendered <= Self.longest else {
        throw Failure(
          .badData, "the dialogue has too many answers: it is rendered again for each of them",
          remedy: "Split the dialogue.")
      }
      // If an existing sequence begins with this text, the answer is added to that sequence.
      let place = sequences.firstIndex { $0.text.bytes.starts(with: answered.text.bytes) }
      let end = answered.answer.last?.upperBound ?? 0
      if let place, end <= sequences[place].answers.first?.lowerBound ?? .max {
        sequences[place].answers = answered.answer + sequences[place].answers
      } else {
        sequences.append((answered.text, answered.answer))
      }
    }
    return sequences.map { sequence in
      let encoded = tokenizer.encode(sequence.text)
      let learnt = sequence.answers.map { answer in
        let first = place(answer.lowerBound).after
        return first..<max(first, place(answer.upperBound).before)
      }
      func place(_ byte: Int) -> (before: Int, after: Int) {
        encoded.place(ofByte: byte, of: sequence.text.bytes, by: tokenizer)
      }
      return LearntTokens(tokens: encoded.tokens, learnt: learnt.filter { !$0.isEmpty })
    }
  }

  /// The dialogue up to an answer, rendered as when the answer was given.
  private func answered(_ dialogue: Prompt, _ turn: Int) throws -> Answered {
    var shortened = dialogue
    shortened.turns = Array(dialogue.turns[..<turn])
    let prompt = try template.render(shortened, answers: true)
    shortened.turns.append(dialogue.turns[turn])
    let whole = try template.render(shortened, answers: false)
    let content = whole.extentOfLastMessage
    let opensAlike = whole.bytes.starts(with: prompt.bytes)
    if template.marksAnswers(of: shortened) {
      let start = opensAlike ? prompt.bytes.count : content?.lowerBound ?? whole.bytes.count
      // A marked block of an earlier answer ends before this answer starts.
      let marked = whole.generated.filter { $0.upperBound > start && !$0.isEmpty }
      let end = marked.last?.upperBound ?? end(of: whole, behind: max(start, content?.upperBound ?? 0))
      return Answered(text: whole.prefix(end), answer: marked)
    }
    if opensAlike {
      let end = end(of: whole, behind: max(prompt.bytes.count, content?.upperBound ?? 0))
      return Answered(text: whole.prefix(end), answer: [prompt.bytes.count..<end])
    }
    // The template opens a new answer differently from a past one, for example with <think>. Then the answer's
    // content is put after the prompt.
    guard let content else {
      throw Failure(
        .badData, "the chat template does not show the answer, turn \(turn + 1)",
        remedy: "Leave the answer out.")
    }
    let start = opening(of: shortened, whole, content)
    let text = prompt.followed(by: whole.prefix(end(of: whole, behind: content.upperBound)), from: start)
    return Answered(text: text, answer: [prompt.bytes.count..<text.bytes.count])
  }

  /// The start of an answer whose opening differs from that of a new answer: the position of a plain text in its
  /// place. The template may write something before the answer's first content, such as `<tool_call>`.
  private func opening(of dialogue: Prompt, _ whole: RenderedDialogue, _ content: Range<Int>) -> Int {
    var plain = dialogue
    let last = plain.turns.count - 1
    plain.turns[last] = Turn(plain.turns[last].role, "answer")
    guard let text = try? template.render(plain, answers: false),
      let start = text.extentOfLastMessage?.lowerBound, start < content.lowerBound,
      whole.bytes.starts(with: text.bytes[..<start])
    else { return content.lowerBound }
    return start
  }

  /// The end of an answer: after the first end token that the template writes after it, else at the end of the text.
  private func end(of text: RenderedDialogue, behind start: Int) -> Int {
    let encoded = tokenizer.encode(text)
    let end = encoded.sections.first { section in
      section.bytes.lowerBound >= start && section.position == nil
        && tokenizer.endTokens.contains(encoded.tokens[section.tokens.lowerBound])
    }
    return end?.bytes.upperBound ?? text.bytes.count
  }
}
