import Dialogues
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
    var (exact, loose) = (ListHash(), ListHash())
    for turn in example.prompt?.turns ?? [] {
      let text = TextHash(turn)
      exact.add(turn.role.rawValue, text.exact)
      loose.add(turn.role.rawValue, text.loose)
    }
    if let prompt = example.prompt, !prompt.isPlain {
      let beside = TextHash(Self.text(["tools": .array(prompt.tools), "arguments": .object(prompt.templateArguments)]))
      exact.add("beside", beside.exact)
      loose.add("beside", beside.loose)
    }
    let asked = loose
    prompt = example.prompt == nil ? nil : asked.value
    var answers: [UInt64] = []
    for answer in example.answerTurns {
      let text = TextHash(answer)
      exact.add("answer", text.exact)
      loose.add("answer", text.loose)
      var answered = asked
      answered.add("answer", text.loose)
      answers.append(answered.value)
    }
    self.answers = answers
    if case .demonstration(let demonstration) = example {
      for turn in demonstration.trailing { exact.add(turn.role.rawValue, TextHash(turn).exact) }
    }
    if case .comparison(let comparison) = example {
      // Two labelers may rank the same answers.
      let judgement = TextHash("\(comparison.ranks) \(comparison.labeler ?? "")").exact
      exact.add("ranks", judgement)
      loose.add("ranks", judgement)
    }
    self.exact = exact.value
    self.loose = loose.value
  }
}

extension RowFingerprint {
  fileprivate static func text(_ object: JSONObject) -> String { String(decoding: JSON.write(.object(object)), as: UTF8.self) }
}

/// The hash of a list of texts, each with what it is.
private struct ListHash {
  private(set) var value: UInt64 = 0

  mutating func add(_ kind: String, _ text: UInt64) {
    value = withUnsafeBytes(of: text) { Hash.xxh64(Array(kind.utf8) + $0, seed: value) }
  }
}

/// The hashes of a text.
private struct TextHash {
  let exact: UInt64
  /// In small letters, white space as single spaces and none at the ends.
  let loose: UInt64

  init(_ turn: Turn) {
    self.init(turn.isPlain ? turn.content : turn.content + "\n" + RowFingerprint.text(turn.fields))
  }

  init(_ text: String) {
    var text = text
    let (exact, isASCII) = text.withUTF8 { bytes in
      (Hash.xxh64(UnsafeRawBufferPointer(bytes)), bytes.reduce(0, |) < 0x80)
    }
    self.exact = exact
    // Small letters of other scripts are the slow way.
    if !isASCII { text = text.lowercased() }
    loose = text.withUTF8 { Hash.xxh64(Self.loosened($0)) }
  }

  private static func loosened(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
      var hasSpace = false
      for byte in bytes {
        if byte.isSpace {
          hasSpace = true
          continue
        }
        if hasSpace && count > 0 {
          buffer[count] = 0x20
          count += 1
        }
        hasSpace = false
        buffer[count] = (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
        count += 1
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
