/// Replaces each `{K}` of a template by the value of its letter.
func fill(_ template: String, _ values: KeyValuePairs<Character, String>) -> String {
  var result = ""
  result.reserveCapacity(template.utf8.count + 32)
  var rest = template[...]
  while let open = rest.firstIndex(of: "{") {
    result += rest[..<open]
    let key = rest[rest.index(after: open)]
    guard let value = values.first(where: { $0.key == key })?.value else {
      preconditionFailure("no value for {\(key)} in “\(template)”")
    }
    result += value
    rest = rest[rest.index(open, offsetBy: 3)...]
  }
  result += rest
  return result
}

/// The text with its first letter in upper case.
func capitalised(_ text: String) -> String {
  guard let first = text.first else { return text }
  return first.uppercased() + text.dropFirst()
}

/// Words that may start a sentence and are in lower case elsewhere.
private let sentenceOpeners: Set<String> = [
  "The", "A", "By", "Most", "In", "What", "Where", "Which", "How", "Is", "Are", "Does", "Why",
  "When", "There", "People", "At", "Of", "For",
]

/// The sentence for use inside another one: its first word in lower case, unless it is a name.
func embedded(_ sentence: String) -> String {
  let word = sentence.prefix { $0 != " " && $0 != "," }
  return sentenceOpeners.contains(String(word)) ? uncapitalised(sentence) : sentence
}

/// The text with its first letter in lower case.
func uncapitalised(_ text: String) -> String {
  text.prefix(1).lowercased() + text.dropFirst()
}

/// The sentence without its full stop.
func withoutStop(_ sentence: String) -> String {
  sentence.hasSuffix(".") ? String(sentence.dropLast()) : sentence
}

/// The items as one phrase: "figs, pears and plums".
func enumerated(_ items: [String]) -> String {
  guard items.count > 1 else { return items.first ?? "" }
  return items.dropLast().joined(separator: ", ") + " and " + items[items.count - 1]
}

/// Number words from zero to twenty-four.
let numberWords = [
  "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
  "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
  "twenty", "twenty-one", "twenty-two", "twenty-three", "twenty-four",
]

/// The words of a text in lower case, without punctuation; an apostrophe ends a word.
func words(of text: String) -> [String] {
  text.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init)
}

/// Whether `phrase` occurs in `words` as whole words.
func contains(_ phrase: String, in words: [String]) -> Bool {
  let wanted = World.phraseWords(phrase)
  guard !wanted.isEmpty, wanted.count <= words.count else { return false }
  return (0...(words.count - wanted.count)).contains { start in
    wanted.indices.allSatisfy { words[start + $0] == wanted[$0] }
  }
}

extension World {
  package static func phraseWords(_ phrase: String) -> [String] { words(of: phrase) }
}
