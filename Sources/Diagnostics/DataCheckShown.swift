import Tokenizers

extension DataCheckResult.Shown {
  /// Maximum number of pieces of a document that are shown; a book has thousands.
  static let pieces = 8

  init(_ row: ExaminedRow, _ tokenizer: Tokenizer, _ names: SpecialNames) {
    line = row.line
    let isRanked = row.sequences.contains { $0.rank != nil }
    sequences = row.sequences.prefix(isRanked ? .max : Self.pieces).map { masked in
      let tokens = masked.sequence.tokens
      var (segments, end): ([Segment], Int) = ([], 0)
      func add(to next: Int, learnt: Bool) {
        defer { end = next }
        guard end < next else { return }
        segments += Self.segments(tokens[end..<next], learnt: learnt, tokenizer, names)
      }
      for span in masked.sequence.learnt {
        add(to: min(span.lowerBound, tokens.count), learnt: false)
        add(to: min(span.upperBound, tokens.count), learnt: true)
      }
      return Sequence(rank: masked.rank, tokens: tokens.count, segments: segments, ids: tokens)
    }
  }

  /// Tokens as text. Names of special tokens that are part of a text get their own segments.
  private static func segments(
    _ tokens: ArraySlice<Int32>, learnt: Bool, _ tokenizer: Tokenizer, _ names: SpecialNames
  ) -> [Segment] {
    var segments: [Segment] = []
    func add(_ bytes: ArraySlice<UInt8>, literal: Bool) {
      guard !bytes.isEmpty else { return }
      let text = String(decoding: bytes, as: UTF8.self)
      if !literal, let last = segments.last, last.literal == nil {
        segments[segments.count - 1] = Segment(text: last.text + text, learnt: learnt)
      } else {
        segments.append(Segment(text: text, learnt: learnt, literal: literal ? true : nil))
      }
    }
    var rest = tokens
    while let first = rest.first {
      let isSpecial = names.isSpecial(first)
      let run = rest.prefix { names.isSpecial($0) == isSpecial }
      let bytes = tokenizer.decode(run, continuing: run.startIndex > 0, namingSpecialTokens: true)
      var end = 0
      for range in isSpecial ? [] : names.ranges(in: bytes) {
        add(bytes[end..<range.lowerBound], literal: false)
        add(bytes[range], literal: true)
        end = range.upperBound
      }
      add(bytes[end...], literal: false)
      rest = rest[run.endIndex...]
    }
    return segments
  }
}
