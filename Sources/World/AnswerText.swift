import Support

/// An answer with its words and sentences, as the rubric reads it.
struct AnswerText {
  let raw: String
  let words: [String]
  /// The words of each sentence.
  let sentences: [[String]]

  init(_ completion: String) {
    var text = completion[...]
    while let last = text.last, last.isWhitespace { text = text.dropLast() }
    while let first = text.first, first.isWhitespace { text = text.dropFirst() }
    raw = String(text)
    words = World.phraseWords(raw)
    sentences = raw.split { ".!?".contains($0) }.map { World.phraseWords(String($0)) }
      .filter { !$0.isEmpty }
  }

  /// Form of the text, 0…1: capital letter 0.1, sentence ended 0.35, length 0.35, no repetition 0.2.
  func form(_ length: ClosedRange<Int>) -> Double {
    guard let first = raw.first, let last = raw.last, !words.isEmpty else { return 0 }
    var score = first.isUppercase ? 0.1 : 0
    if ".!?".contains(last) { score += 0.35 }
    let short = Double(max(0, length.lowerBound - words.count)) / Double(length.lowerBound)
    let long = Double(max(0, words.count - length.upperBound)) / 10
    score += 0.35 * max(0, 1 - short - long)
    return score + (isRepetitive ? 0 : 0.2)
  }

  /// Whether a word follows itself or a run of four words occurs twice.
  private var isRepetitive: Bool {
    if zip(words, words.dropFirst()).contains(where: ==) { return true }
    guard words.count >= 8 else { return false }
    var seen: Set<[String]> = []
    return (0...(words.count - 4)).contains { !seen.insert(Array(words[$0..<$0 + 4])).inserted }
  }

  func names(_ name: String) -> Bool { words.contains(name.lowercased()) }

  private func says(_ phrases: [String]) -> Bool { phrases.contains { contains($0, in: words) } }

  var isRude: Bool {
    says(["silly", "fool", "fools", "foolish", "stupid", "lazy", "leave me alone", "go away"])
  }

  /// Whether the text contains a kind phrase beside the answer.
  var isKind: Bool { says(["hope that helps", "gladly", "glad to help"]) }

  /// Whether the text says that it is sorry.
  var isSorry: Bool { says(["sorry"]) }

  var declines: Bool {
    says([
      "cannot help", "not help", "cannot do that", "not do that", "would not be right",
      "would be wrong",
    ])
  }

  var abstains: Bool {
    says([
      "do not know", "not known", "nobody knows", "no one knows", "cannot know", "cannot say",
      "has told me",
    ])
  }

  /// The relation's values that the text asserts and those that it denies, in the relation's order.
  func values(of relation: Relation) -> (asserted: [String], denied: [String]) {
    var asserted: [String] = []
    var denied: [String] = []
    for value in relation.values {
      for sentence in sentences where contains(value, in: sentence) {
        let negated = sentence.contains("not") || sentence.contains("never")
        if negated {
          if !denied.contains(value) { denied.append(value) }
        } else if !asserted.contains(value) {
          asserted.append(value)
        }
      }
    }
    return (asserted, denied)
  }

  /// F₁ of the words shared with a model answer, times 0.9 unless the words are the same in the same order.
  func overlap(with answer: String) -> Double {
    let wanted = World.phraseWords(answer)
    guard !words.isEmpty, !wanted.isEmpty else { return 0 }
    if words == wanted { return 1 }
    var left = wanted
    var shared = 0
    for word in words {
      guard let position = left.firstIndex(of: word) else { continue }
      left.remove(at: position)
      shared += 1
    }
    return 0.9 * 2 * Double(shared) / Double(words.count + wanted.count)
  }
}
