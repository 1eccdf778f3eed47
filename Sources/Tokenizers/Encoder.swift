import Synchronization

/// Turns text into tokens. It has scratch space and a cache of pieces, so only one thread may use it at a time.
struct Encoder: Sendable {
  private let parts: EncodingParts
  private var merger: Merger
  private var cache = PieceCache()

  init(_ parts: EncodingParts) {
    self.parts = parts
    merger = Merger(parts.alphabet, parts.pairs, results: parts.results)
  }

  /// The position of a stretch of text; it decides whether a `▁` is put before the stretch.
  enum Position { case start, afterToken, continued }

  mutating func append(
    _ bytes: UnsafeBufferPointer<UInt8>, at position: Position, to output: inout [Int32]
  ) {
    append(bytes, at: position, to: &output, around: parts.added) { $0.appendNormalizing($1, $2, &$3) }
  }

  /// A part of a chat template's text and its tokens.
  struct Section {
    let bytes: Range<Int>
    let tokens: Range<Int>
    /// The position of the part; nil for an added token.
    let position: Position?
  }

  /// Appends the tokens of a text that a chat template wrote.
  ///
  /// - Parameter data: the bytes that came from a dialogue, as ascending ranges: they yield no special token.
  mutating func append(
    template bytes: UnsafeBufferPointer<UInt8>, data: [Range<Int>], to output: inout [Int32]
  ) -> [Section] {
    parts.addedInTemplates.sections(of: bytes, data: data).map { section in
      let first = output.count
      if let token = section.token {
        output.append(token)
        return Section(bytes: section.range, tokens: first..<output.count, position: nil)
      }
      let position: Position = section.range.lowerBound == 0 ? .start : .afterToken
      appendNormalizing(UnsafeBufferPointer(rebasing: bytes[section.range]), position, &output)
      return Section(bytes: section.range, tokens: first..<output.count, position: position)
    }
  }

  private mutating func appendNormalizing(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: Position, _ output: inout [Int32]
  ) {
    guard let changed = parts.normalize(bytes, at: position) else {
      return appendNormalized(bytes, position, &output)
    }
    changed.withUnsafeBufferPointer { appendNormalized($0, position, &output) }
  }

  private mutating func appendNormalized(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: Position, _ output: inout [Int32]
  ) {
    append(bytes, at: position, to: &output, around: parts.addedNormalized) { $0.appendStretch($1, $2, &$3) }
  }

  /// Appends the added tokens of a text, and calls `body` for the stretches between them.
  @inline(__always)
  private mutating func append(
    _ bytes: UnsafeBufferPointer<UInt8>, at position: Position, to output: inout [Int32],
    around added: AddedTokens,
    _ body: (inout Encoder, UnsafeBufferPointer<UInt8>, Position, inout [Int32]) -> Void
  ) {
    guard !added.isEmpty else { return body(&self, bytes, position, &output) }
    for section in added.sections(of: bytes) {
      if let token = section.token {
        output.append(token)
      } else {
        let isFirst = section.range.lowerBound == 0
        body(
          &self, UnsafeBufferPointer(rebasing: bytes[section.range]), isFirst ? position : .afterToken,
          &output)
      }
    }
  }

  private mutating func appendStretch(
    _ bytes: UnsafeBufferPointer<UInt8>, _ position: Position, _ output: inout [Int32]
  ) {
    switch parts.splitting {
    case .tinyrlhf: appendPieces(bytes, by: PreTokenizer.self, &output)
    case .gpt2: appendPieces(bytes, by: GPT2Scanner.self, &output)
    case .llama3: appendPieces(bytes, by: Llama3Scanner.self, &output)
    case .qwen2: appendPieces(bytes, by: Qwen2Scanner.self, &output)
    case .smollm: appendPieces(bytes, by: SmolLMScanner.self, &output)
    case .none:
      let spaced = parts.replaceSpaces(bytes, at: position)
      spaced.withUnsafeBufferPointer {
        if parts.mergesAcrossSpaces {
          appendPiece(UnsafeRawBufferPointer($0), &output)
        } else {
          appendPieces($0, by: MetaspaceScanner.self, &output)
        }
      }
    }
  }

  @inline(__always)
  private mutating func appendPieces<Scanner: PieceScanner>(
    _ bytes: UnsafeBufferPointer<UInt8>, by scanner: Scanner.Type, _ output: inout [Int32]
  ) {
    let text = ScannedText(bytes, barrier: Scanner.barrier)
    var start = 0
    while start < bytes.count {
      let end = Scanner.end(ofPieceAt: start, in: text)
      appendPiece(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<end]), &output)
      start = end
    }
  }

  @inline(__always)
  private mutating func appendPiece(_ piece: UnsafeRawBufferPointer, _ output: inout [Int32]) {
    guard piece.count <= PieceCache.longestPiece, piece.count > 0 else {
      return appendMerging(piece, &output)
    }
    let key = PieceCache.Key(piece)
    if cache.append(key, to: &output) { return }
    let first = output.count
    appendMerging(piece, &output)
    cache.keep(key, output[first...])
  }

  private mutating func appendMerging(_ piece: UnsafeRawBufferPointer, _ output: inout [Int32]) {
    if let whole = parts.wholePieces?[piece] {
      output.append(whole)
    } else {
      merger.append(piece.bindMemory(to: UInt8.self), to: &output)
    }
  }
}

/// Splits text before `▁`, for SentencePiece vocabularies in which no merge crosses the start of a word.
enum MetaspaceScanner: PieceScanner {
  static func end(ofPieceAt start: Int, in text: ScannedText) -> Int {
    let bytes = text.bytes
    var index = start
    while isMetaspace(at: index, in: bytes) { index += 3 }
    index = max(index, start + 1)
    while index < bytes.count, !isMetaspace(at: index, in: bytes) { index += 1 }
    return index
  }

  @inline(__always)
  private static func isMetaspace(at index: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    index + 2 < bytes.count && bytes[index] == 0xE2 && bytes[index + 1] == 0x96
      && bytes[index + 2] == 0x81
  }
}

/// The constant data for encoding; made once for each tokenizer.
struct EncodingParts: Sendable {
  var splitting = TokenizerDefinition.Splitting.tinyrlhf
  var normalization = TokenizerDefinition.Normalization.none
  var alphabet: Alphabet
  var pairs: PairTable
  /// The token that each merge makes, by rank.
  var results: [Int32]
  /// The tokens of whole pieces, if such pieces skip the merges.
  var wholePieces: TokenTable?
  var added = AddedTokens()
  /// The added tokens that are searched in normalised text.
  var addedNormalized = AddedTokens()
  /// The added tokens that are searched in a chat template's text: special tokens, and those searched before
  /// normalisation.
  var addedInTemplates = AddedTokens()
  /// Whether some token has a `▁` after another character; then the text is one piece.
  var mergesAcrossSpaces = false

  /// Normalises text before it is searched for tokens; nil if nothing changes.
  func normalize(_ bytes: UnsafeBufferPointer<UInt8>, at position: Encoder.Position) -> [UInt8]? {
    switch normalization {
    case .nfc: return NFC.normalize(bytes)
    case .prepend:
      let hasPrefix = position != .continued && !bytes.isEmpty
      return withMetaspaces(bytes, prefix: hasPrefix)
    default: return nil
    }
  }

  /// Replaces the spaces in a stretch of text between tokens.
  func replaceSpaces(_ bytes: UnsafeBufferPointer<UInt8>, at position: Encoder.Position) -> [UInt8] {
    let wantsPrefix: Bool
    switch normalization {
    case .metaspaceAlways: wantsPrefix = position != .continued
    case .metaspaceFirst: wantsPrefix = position == .start
    case .metaspaceNever: wantsPrefix = false
    case .none, .nfc, .prepend: return Array(bytes)
    }
    let hasPrefix = bytes.first == 0x20 || bytes.starts(with: TokenizerDefinition.metaspace)
    return withMetaspaces(bytes, prefix: wantsPrefix && !hasPrefix && !bytes.isEmpty)
  }

  private func withMetaspaces(_ bytes: UnsafeBufferPointer<UInt8>, prefix: Bool) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count + bytes.count / 2)
    if prefix { output += TokenizerDefinition.metaspace }
    for byte in bytes {
      if byte == 0x20 { output += TokenizerDefinition.metaspace } else { output.append(byte) }
    }
    return output
  }
}

/// A pool of unused encoders. Each has its own memory, so threads share none.
final class EncoderPool: Sendable {
  private let parts: EncodingParts
  private let resting = Mutex<[Encoder]>([])

  init(_ parts: EncodingParts) { self.parts = parts }

  func withEncoder<Result>(_ body: (inout Encoder) -> Result) -> Result {
    var encoder = resting.withLock { $0.popLast() } ?? Encoder(parts)
    defer { resting.withLock { $0.append(encoder) } }
    return body(&encoder)
  }
}
