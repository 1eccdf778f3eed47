import Support

/// Finds the tokens of answers in what a chat template writes.
struct TemplateAnswers {
  private let tokenizer: Tokenizer
  private let template: ChatTemplate

  init(_ tokenizer: Tokenizer, _ template: ChatTemplate) {
    self.tokenizer = tokenizer
    self.template = template
  }

  /// A text that ends with an answer.
  private struct Answered {
    var text: RenderedDialogue
    /// The answer's bytes, with what ends it.
    var answer: Range<Int>
  }

  /// As `Tokenizer.encode(dialogue:learning:)`.
  func sequences(_ dialogue: Prompt, learning: [Int]) throws -> [LearntTokens] {
    guard !learning.isEmpty else { return [LearntTokens(tokens: try tokenizer.encode(dialogue: dialogue), learnt: [])] }
    var sequences: [(text: RenderedDialogue, answers: [Range<Int>])] = []
    for turn in learning.reversed() {
      let answered = try answered(dialogue, turn)
      // It belongs to a sequence that goes on as this one ends.
      let place = sequences.firstIndex { $0.text.bytes.starts(with: answered.text.bytes) }
      if let place, answered.answer.upperBound <= sequences[place].answers.last!.lowerBound {
        sequences[place].answers.append(answered.answer)
      } else {
        sequences.append((answered.text, [answered.answer]))
      }
    }
    return sequences.map { sequence in
      let encoded = tokenizer.encode(sequence.text)
      let learnt = sequence.answers.reversed().map { answer in
        let first = place(answer.lowerBound).after
        return first..<max(first, place(answer.upperBound).before)
      }
      func place(_ byte: Int) -> (before: Int, after: Int) {
        encoded.place(ofByte: byte, of: sequence.text.bytes, by: tokenizer)
      }
      return LearntTokens(tokens: encoded.tokens, learnt: learnt.filter { !$0.isEmpty })
    }
  }

  /// The dialogue up to an answer, as it was when the answer was given.
  private func answered(_ dialogue: Prompt, _ turn: Int) throws -> Answered {
    var shortened = dialogue
    shortened.turns = Array(dialogue.turns[..<turn])
    let prompt = try template.render(shortened, answers: true)
    shortened.turns.append(dialogue.turns[turn])
    let whole = try template.render(shortened, answers: false)
    if template.marksAnswers(of: shortened), let last = whole.generated.last {
      return Answered(text: whole.prefix(last.upperBound), answer: last)
    }
    let content = whole.extent(ofMessage: turn + 1)
    if whole.bytes.starts(with: prompt.bytes) {
      let end = end(of: whole, behind: max(prompt.bytes.count, content?.upperBound ?? 0))
      return Answered(text: whole.prefix(end), answer: prompt.bytes.count..<end)
    }
    // The template opens an answer in another way than it writes one that was given, such as with <think>. What the
    // answer says then follows the prompt.
    guard let content else {
      throw Failure(
        .badData, "the chat template does not show the answer, turn \(turn + 1)",
        remedy: "Leave the answer out.")
    }
    let end = end(of: whole, behind: content.upperBound)
    let text = prompt.followed(by: whole.prefix(end), from: content.lowerBound)
    return Answered(text: text, answer: prompt.bytes.count..<text.bytes.count)
  }

  /// Where an answer ends: behind the first end token that the template writes after it, else at the text's end.
  private func end(of text: RenderedDialogue, behind start: Int) -> Int {
    let encoded = tokenizer.encode(text)
    let end = encoded.sections.first { section in
      section.bytes.lowerBound >= start && section.position == nil
        && tokenizer.endTokens.contains(encoded.tokens[section.tokens.lowerBound])
    }
    return end?.bytes.upperBound ?? text.bytes.count
  }
}
