/// Suggestions for words that are not known.
public enum Spelling {
  /// The largest number of words to suggest.
  private static let most = 3

  /// The known words nearest to `word`, in their order; if none is near, the known words that start with it.
  public static func nearest(_ word: String, in words: [String]) -> [String] {
    let letters = Array(word.lowercased())
    // Short words are all near each other.
    guard letters.count > 2 else { return [] }
    let distances = words.map { distance(letters, Array($0.lowercased()), below: letters.count / 3 + 1) }
    guard let least = distances.compactMap({ $0 }).min() else {
      return Array(words.filter { $0.hasPrefix(word) }.prefix(most))
    }
    return Array(zip(words, distances).filter { $0.1 == least }.map(\.0).prefix(most))
  }

  /// `Did you mean x or y?`; nil where no known word is near.
  /// - Parameter shown: formats a word for the question.
  public static func question(
    _ word: String, in words: [String], shown: (String) -> String = { $0 }
  ) -> String? {
    let near = nearest(word, in: words)
    return near.isEmpty ? nil : question(near.map(shown))
  }

  public static func question(_ words: [String]) -> String { "Did you mean \(list(words, "or"))?" }

  /// `a`, `a and b`, `a, b and c`.
  public static func list(_ words: [String], _ conjunction: String = "and") -> String {
    guard words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) \(words.last!)"
  }

  /// The edit distance: letters to insert, remove, replace or swap with their neighbour. Returns nil for `limit` or
  /// more.
  static func distance(_ a: [Character], _ b: [Character], below limit: Int) -> Int? {
    guard abs(a.count - b.count) < limit else { return nil }
    var (last, row) = ([Int](), Array(0...b.count))
    for i in 0..<a.count {
      var next = [i + 1]
      for j in 0..<b.count {
        var cost = min(row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, last[j - 1] + 1) }
        next.append(cost)
      }
      (last, row) = (row, next)
    }
    return row[b.count] < limit ? row[b.count] : nil
  }
}
