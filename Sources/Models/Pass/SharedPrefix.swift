/// Sequences of one pass with a common prefix. The prefix is computed once, and equal sequences are computed once.
///
/// The forward pass gives the same bits as separate passes over the sequences. The backward pass sums the gradient of
/// the prefix over the sequences in their order.
package struct SharedPrefix {
  /// Length of the prefix that all sequences share, in tokens; it can be the whole of a sequence.
  package private(set) var shared = 0
  private var count = 0
  /// Number of sequences that differ from all before them, and the sum of their tokens.
  private var distinct = 0
  private var distinctTokens = 0

  package init() {}

  /// - Parameters:
  ///   - count: number of sequences.
  ///   - tokens: returns the tokens of each sequence.
  package init(_ count: Int, _ tokens: (Int) -> [Int32]) {
    for _ in 0..<count { add(tokens) }
  }

  /// Number of tokens that are computed.
  package var tokenCount: Int { distinctTokens - (distinct - 1) * shared }

  /// Adds the next sequence.
  /// - Parameter tokens: returns the tokens of each sequence.
  mutating func add(_ tokens: (Int) -> [Int32]) {
    let sequence = tokens(count)
    shared = count == 0 ? sequence.count : Self.common(tokens(0), sequence, atMost: shared)
    if Self.earlier(count, tokens) == nil {
      distinct += 1
      distinctTokens += sequence.count
    }
    count += 1
  }

  /// Length of the common prefix of two sequences, at most `limit`.
  package static func common(_ first: [Int32], _ second: [Int32], atMost limit: Int) -> Int {
    let most = min(limit, first.count, second.count)
    return (0..<most).first { first[$0] != second[$0] } ?? most
  }

  /// Index of the first earlier sequence that equals this one; nil if there is none.
  static func earlier(_ index: Int, _ tokens: (Int) -> [Int32]) -> Int? {
    (0..<index).first { tokens($0) == tokens(index) }
  }
}

/// A sequence, and its rows that are read.
package struct PassSequence {
  package let tokens: [Int32]
  package let rows: [Range<Int>]

  package init(tokens: [Int32], rows: [Range<Int>]) {
    self.tokens = tokens
    self.rows = rows
  }

  /// A sequence that is read at its last token.
  package init(scored tokens: [Int32]) {
    self.init(tokens: tokens, rows: [RankedSequences.scoredRows(of: tokens)])
  }
}

/// Consecutive sequences that are computed together.
package struct PassGroup: PassUnit {
  private let sequences: ArraySlice<PassSequence>
  private let prefix: SharedPrefix
  @usableFromInline package var tokenCount: Int { prefix.tokenCount }

  @usableFromInline package func append(to pass: SequencePass) {
    let first = sequences.startIndex
    pass.append(
      sequences.count, prefix, { sequences[first + $0].tokens },
      read: { index, place in
        for rows in sequences[first + index].rows { pass.read(rows, at: place) }
      })
  }

  /// Groups neighbouring sequences with a common prefix. A sequence joins the group before it if the group does not
  /// save fewer tokens with it than without it.
  /// - Parameters:
  ///   - shortest: length of the shortest prefix that is shared, in tokens.
  ///   - limit: the most tokens in a group of more than one sequence.
  package static func grouping(_ sequences: [PassSequence], shortest: Int, limit: Int) -> [PassGroup] {
    var groups: [PassGroup] = []
    var (start, prefix) = (0, SharedPrefix())
    func close(before end: Int) {
      if start < end { groups.append(PassGroup(sequences: sequences[start..<end], prefix: prefix)) }
      (start, prefix) = (end, SharedPrefix())
    }
    for index in sequences.indices {
      let members = index - start
      var larger = prefix
      larger.add { sequences[start + $0].tokens }
      let saves = larger.shared >= shortest && members * larger.shared >= (members - 1) * prefix.shared
      if members > 0, !saves || larger.tokenCount > limit {
        close(before: index)
        larger = SharedPrefix()
        larger.add { sequences[index + $0].tokens }
      }
      prefix = larger
    }
    close(before: sequences.count)
    return groups
  }
}
