/// Dialogues in tokens, by the tokenizer's chat format.
///
/// A prompt and its completion are exactly the dialogue:
/// `encode(prompt: p) + encode(completion: c) == encode(dialogue: p + [Turn(.assistant, c)])`.
///
/// Adjacent texts, of the frame and of what is said, are encoded as one, as Hugging Face's
/// `apply_chat_template` has it. It differs in three places:
///
/// * The law above wants a cut between a prompt and its completion: an answer's text is encoded by
///   itself. Where the answer begins with a letter that changes nothing in the formats named here; where
///   it begins with white space that would join the frame's, tokens differ.
/// * A special token's name in what somebody says is text here, and that token there.
/// * Contents are taken as they are; some templates trim them, or write today's date before the system's turn.
extension Tokenizer {
  /// What ends an answer that is trained on; nil where the tokenizer has no such token.
  public var endToken: Int32? { chatFormat.endTokens.first }

  /// What begins a text; where the tokenizer has no such token, what separates documents.
  public var beginToken: Int32? { chatFormat.documentBegin.first }

  /// Each of them ends an answer.
  public var endTokens: [Int32] { chatFormat.endTokens }

  /// What the policy sees before it answers.
  public func encode(prompt turns: [Turn]) -> [Int32] {
    var writer = ChatWriter(self)
    writer.add(turns)
    writer.add(chatFormat.assistant.open)
    return writer.finish()
  }

  /// What the policy sees before it answers, the same tokens, and which of them are the answers in it, one
  /// range for each: an answer's text, and its end where the format writes one. A token that an answer shares
  /// with the frame around it is not among them.
  public func encodeShowingAnswers(prompt turns: [Turn]) -> (tokens: [Int32], answers: [Range<Int>]) {
    var writer = ChatWriter(self, showingAnswers: true)
    writer.add(turns)
    writer.add(chatFormat.assistant.open)
    let tokens = writer.finish()
    return (tokens, writer.answers)
  }

  /// What the policy should have written, with its end.
  public func encode(completion text: String) -> [Int32] {
    var writer = ChatWriter(self, at: answerPosition)
    writer.add(chatFormat.answerPrefix + text)
    return writer.finish() + chatFormat.endTokens.prefix(1)
  }

  /// A whole dialogue, its last answer closed.
  public func encode(dialogue turns: [Turn]) -> [Int32] {
    if let last = turns.last, last.role == .assistant {
      return encode(prompt: Array(turns.dropLast())) + encode(completion: last.content)
    }
    var writer = ChatWriter(self)
    writer.add(turns)
    return writer.finish()
  }

  /// A plain text for pretraining, between the tokens that separate documents.
  public func encode(document text: String) -> [Int32] {
    var writer = ChatWriter(self)
    writer.add(chatFormat.documentBegin.map { ChatFormat.Piece.token($0) })
    writer.add(text)
    return writer.finish() + chatFormat.documentEnd
  }

  /// The text of a completion, up to its end token if it has one.
  public func decode(completion tokens: some Sequence<Int32>) -> String {
    String(decoding: decode(answer: tokens.prefix { !endTokens.contains($0) }), as: UTF8.self)
  }

  /// The bytes of an answer's tokens, without what the format puts before an answer.
  ///
  /// - Parameter continuing: whether other tokens of the answer stand before these.
  public func decode(answer tokens: some Sequence<Int32>, continuing: Bool = false) -> [UInt8] {
    let bytes = decode(tokens, continuing: continuing || answerPosition == .continued)
    let prefix = chatFormat.answerPrefix.utf8
    return !continuing && bytes.starts(with: prefix) ? Array(bytes.dropFirst(prefix.count)) : bytes
  }

  /// Where an answer's text stands.
  private var answerPosition: Encoder.Position {
    if case .token = chatFormat.assistant.open.last { .afterToken } else { .continued }
  }
}

/// Writes a dialogue: texts that meet are encoded as one.
private struct ChatWriter {
  private let tokenizer: Tokenizer
  private var tokens: [Int32] = []
  private var text = ""
  private var position: Encoder.Position
  private let showsAnswers: Bool
  /// The tokens of the answers so far; of one whose end is still text it is not known yet.
  private(set) var answers: [Range<Int>] = []
  /// Where answers begin and end in `text`, in bytes.
  private var cuts: [(byte: Int, isEnd: Bool)] = []

  init(
    _ tokenizer: Tokenizer, at position: Encoder.Position = .start, showingAnswers: Bool = false
  ) {
    self.tokenizer = tokenizer
    self.position = position
    showsAnswers = showingAnswers
  }

  mutating func add(_ more: String) { text += more }

  mutating func add(_ pieces: [ChatFormat.Piece]) {
    for piece in pieces {
      switch piece {
      case .text(let more): text += more
      case .token(let token):
        flush()
        tokens.append(token)
        position = .afterToken
      }
    }
  }

  /// What stands before the first turn, and the turns.
  mutating func add(_ turns: [Turn]) {
    let format = tokenizer.chatFormat
    add(format.begin)
    if let standing = format.standingSystem, turns.first?.role != .system {
      add(Turn(.system, standing), in: format)
    }
    for turn in turns { add(turn, in: format) }
  }

  private mutating func add(_ turn: Turn, in format: ChatFormat) {
    let frame = format.frame(of: turn.role)
    add(frame.open)
    if turn.role == .assistant {
      cut(isEnd: false)
      add(format.answerPrefix + turn.content)
      if format.closesPastAnswers { add(format.endTokens.prefix(1).map { ChatFormat.Piece.token($0) }) }
      cut(isEnd: true)
    } else {
      add(turn.content)
    }
    add(frame.close)
  }

  private mutating func cut(isEnd: Bool) {
    if showsAnswers { cuts.append((text.utf8.count, isEnd)) }
  }

  private mutating func flush() {
    let encoded = text.isEmpty ? [] : text.withUTF8 { tokenizer.encode($0, at: position) }
    for cut in cuts {
      let place = place(ofByte: cut.byte, in: encoded)
      if cut.isEnd {
        let first = answers[answers.count - 1].lowerBound
        answers[answers.count - 1] = first..<max(first, tokens.count + place.before)
      } else {
        // Not before the answer before it, even where an unknown token hides what stands in between.
        let first = max(answers.last?.upperBound ?? 0, tokens.count + place.after)
        answers.append(first..<first)
      }
    }
    cuts = []
    guard !text.isEmpty else { return }
    tokens += encoded
    position = .continued
    text = ""
  }

  /// How many of the text's tokens end at a byte of it or before, and the first that begins there or
  /// behind. They differ by one where a token crosses it.
  private func place(ofByte byte: Int, in encoded: [Int32]) -> (before: Int, after: Int) {
    if byte == 0 { return (0, 0) }
    if byte == text.utf8.count { return (encoded.count, encoded.count) }
    // A text that ends there has the same tokens, up to those that other bytes behind them would change.
    var start = String(decoding: text.utf8.prefix(byte), as: UTF8.self)
    let alone = start.withUTF8 { tokenizer.encode($0, at: position) }
    let common = zip(alone, encoded).prefix { $0 == $1 }.count
    func bytes(_ tokens: some Sequence<Int32>) -> Int { tokenizer.decode(tokens, continuing: true).count }
    let wanted = bytes(alone[common...])
    var (index, seen) = (common, 0)
    while seen < wanted, index < encoded.count {
      let next = seen + bytes([encoded[index]])
      if next > wanted { return (index, index + 1) }
      (index, seen) = (index + 1, next)
    }
    return (index, index)
  }

  mutating func finish() -> [Int32] {
    flush()
    return tokens
  }
}
