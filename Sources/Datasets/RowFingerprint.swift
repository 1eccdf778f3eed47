import Support

/// What is remembered of a row: hashes, so that rows are compared without being kept. Two of 10⁸
/// different rows share one of 64 bits with a probability of 3·10⁻⁴.
public struct RowFingerprint: Sendable, Equatable {
  /// Of all that the row says.
  let exact: UInt64
  /// The same but for white space and case.
  let loose: UInt64
  /// Of the prompt but for white space and case; nil for a document.
  let prompt: UInt64?
  /// Of the prompt with each answer, or of a document; but for white space and case.
  let answers: [UInt64]

  public init(_ example: Example) {
    let turns = example.prompt?.turns ?? []
    var (exact, loose) = (TextHash(), TextHash(isLoose: true))
    for turn in turns {
      exact.add(turn.role.rawValue, turn.content)
      loose.add(turn.role.rawValue, turn.content)
    }
    let asked = loose
    prompt = example.prompt == nil ? nil : asked.value
    answers = example.answers.map { answer in
      var answered = asked
      answered.add("answer", answer)
      return answered.value
    }
    for answer in example.answers {
      exact.add("answer", answer)
      loose.add("answer", answer)
    }
    if case .comparison(let comparison) = example {
      // Two labelers may rank the same answers.
      let judgement = "\(comparison.ranks) \(comparison.labeler ?? "")"
      exact.add("ranks", judgement)
      loose.add("ranks", judgement)
    }
    self.exact = exact.value
    self.loose = loose.value
  }
}

/// The hash of a list of texts.
private struct TextHash {
  var isLoose = false
  private(set) var value: UInt64 = 0

  init(isLoose: Bool = false) { self.isLoose = isLoose }

  mutating func add(_ kind: String, _ text: String) {
    // No text holds the byte 0xFF.
    var bytes = Array(kind.utf8) + [0xFF]
    if isLoose { bytes.appendLoosely(text) } else { bytes += Array(text.utf8) }
    value = Hash.xxh64(bytes, seed: value)
  }
}

extension [UInt8] {
  /// Appends a text in small letters, its white space as single spaces and none at its ends.
  fileprivate mutating func appendLoosely(_ text: String) {
    // Small letters of other scripts are the slow way.
    var text = text.utf8.allSatisfy { $0 < 0x80 } ? text : text.lowercased()
    var (hasBegun, hasSpace) = (false, false)
    text.withUTF8 { source in
      for byte in source {
        if byte.isSpace {
          hasSpace = true
          continue
        }
        if hasSpace && hasBegun { append(0x20) }
        (hasBegun, hasSpace) = (true, false)
        append((0x41...0x5A).contains(byte) ? byte + 0x20 : byte)
      }
    }
  }
}

/// The rows of a file that have been seen, to find those that come again.
///
/// Two hashes of 8 bytes a row, in tables of which 3/8 to 3/4 are full: 21 to 43 bytes a row, and
/// half as much again for the moment in which a table grows.
public struct SeenRows {
  public enum Novelty: Equatable, Sendable { case new, near, duplicate }

  private var exact: Set<UInt64> = []
  private var loose: Set<UInt64> = []

  public init() {}

  /// Remembers a row, and says whether it or one like it but for white space and case was there.
  public mutating func add(_ row: RowFingerprint) -> Novelty {
    let isNew = loose.insert(row.loose).inserted
    guard exact.insert(row.exact).inserted else { return .duplicate }
    return isNew ? .new : .near
  }
}

/// The prompts and answers of another split.
///
/// A hash of 8 bytes for each prompt and for each answer: 11 to 21 bytes each.
public struct OtherSplit: Sendable {
  private var prompts: Set<UInt64> = []
  private var answers: Set<UInt64> = []

  public init() {}

  public mutating func add(_ row: RowFingerprint) {
    if let prompt = row.prompt { prompts.insert(prompt) }
    answers.formUnion(row.answers)
  }

  public func hasPrompt(of row: RowFingerprint) -> Bool { row.prompt.map(prompts.contains) ?? false }

  /// Whether it has the prompt with one of the answers, or the document.
  public func hasAnswer(of row: RowFingerprint) -> Bool { row.answers.contains(where: answers.contains) }
}
