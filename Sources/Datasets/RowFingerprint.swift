import Dialogues
import Support

/// Hashes of a row, so that rows can be compared without keeping them. Among 10⁸ different rows, two share a 64-bit
/// hash with a probability of 3·10⁻⁴.
public struct RowFingerprint: Sendable, Equatable {
  /// The hash of the whole row.
  let exact: UInt64
  /// The hash of the row, ignoring white space and case.
  let loose: UInt64
  /// The hash of the prompt, ignoring white space and case; nil for a document.
  let prompt: UInt64?
  /// The hashes of the prompt with each answer, or of a document, ignoring white space and case.
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
      // Included because two labelers may rank the same answers.
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

/// The hash of a list of texts, each with its kind.
private struct ListHash {
  private(set) var value: UInt64 = 0

  mutating func add(_ kind: String, _ text: UInt64) {
    value = withUnsafeBytes(of: text) { Hash.xxh64(Array(kind.utf8) + $0, seed: value) }
  }
}

/// The hashes of a text.
private struct TextHash {
  let exact: UInt64
  /// In lower case, with runs of white space as single spaces and no white space at the ends.
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
    // For text that is not ASCII, the slower conversion to lower case is needed.
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

/// Remembers the rows of a file, to find duplicates.
///
/// Two hashes of 8 bytes per row, in tables that are 3/8 to 3/4 full: 21 to 43 bytes per row, and half as much again
/// while a table grows.
public struct SeenRows {
  public enum Novelty: Equatable, Sendable { case new, near, duplicate }

  private var exact: Set<UInt64> = []
  private var loose: Set<UInt64> = []

  public init() {}

  /// Adds a row; returns whether the same row was added before, or one that differs only in white space and case.
  public mutating func add(_ row: RowFingerprint) -> Novelty {
    let isNew = loose.insert(row.loose).inserted
    guard exact.insert(row.exact).inserted else { return .duplicate }
    return isNew ? .new : .near
  }
}

/// The prompts and answers of another split.
///
/// One hash of 8 bytes for each prompt and for each answer: 11 to 21 bytes each.
public struct OtherSplit: Sendable {
  private var prompts: Set<UInt64> = []
  private var answers: Set<UInt64> = []

  public init() {}

  public mutating func add(_ row: RowFingerprint) {
    if let prompt = row.prompt { prompts.insert(prompt) }
    answers.formUnion(row.answers)
  }

  public func hasPrompt(of row: RowFingerprint) -> Bool { row.prompt.map(prompts.contains) ?? false }

  /// Whether it contains the prompt with one of the answers, or the document.
  public func hasAnswer(of row: RowFingerprint) -> Bool { row.answers.contains(where: answers.contains) }
}
