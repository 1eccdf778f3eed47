import Models

/// Sequences of one pass that begin alike: their common beginning is computed once, and of equal sequences one.
///
/// What the forward pass gives has the bits of sequences that are computed alone. The backward pass sums the
/// gradient of the common part over the sequences in their order.
struct SharedPrefix {
  /// Tokens that all of them begin with; all of a sequence that is no longer.
  private(set) var shared = 0
  /// Tokens that are computed.
  private(set) var tokenCount = 0

  /// - Parameters:
  ///   - count: sequences.
  ///   - tokens: of each.
  init(_ count: Int, _ tokens: (Int) -> [Int32]) {
    guard count > 0 else { return }
    shared = count == 1 ? tokens(0).count : Self.common(count, tokens)
    tokenCount = shared
    for index in 0..<count where Self.earlier(index, tokens) == nil {
      tokenCount += tokens(index).count - shared
    }
  }

  private static func common(_ count: Int, _ tokens: (Int) -> [Int32]) -> Int {
    let first = tokens(0)
    return (1..<count).reduce(first.count) { common(first, tokens($1), atMost: $0) }
  }

  /// Tokens that two sequences begin with.
  static func common(_ first: [Int32], _ second: [Int32], atMost limit: Int = .max) -> Int {
    let most = min(limit, first.count, second.count)
    return (0..<most).first { first[$0] != second[$0] } ?? most
  }

  /// A sequence before this one that is equal to it.
  static func earlier(_ index: Int, _ tokens: (Int) -> [Int32]) -> Int? {
    (0..<index).first { tokens($0) == tokens(index) }
  }
}

/// A sequence, and the rows of it that are read.
struct PassSequence {
  let tokens: [Int32]
  let rows: [Range<Int>]

  init(tokens: [Int32], rows: [Range<Int>]) {
    self.tokens = tokens
    self.rows = rows
  }

  /// Read at its last token.
  init(scored tokens: [Int32]) {
    self.init(tokens: tokens, rows: [RankedSequences.scoredRows(of: tokens)])
  }
}

/// Consecutive sequences that are computed together.
struct PassGroup: PassUnit {
  private let sequences: ArraySlice<PassSequence>
  private let prefix: SharedPrefix
  var tokenCount: Int { prefix.tokenCount }

  private init(_ sequences: ArraySlice<PassSequence>) {
    self.sequences = sequences
    let first = sequences.startIndex
    prefix = SharedPrefix(sequences.count) { sequences[first + $0].tokens }
  }

  func append(to pass: SequencePass) {
    let first = sequences.startIndex
    pass.append(
      sequences.count, prefix, { sequences[first + $0].tokens },
      read: { index, place in
        for rows in sequences[first + index].rows { pass.read(rows, at: place) }
      })
  }

  /// Groups neighbours that begin alike, where that saves more than it saved without the next one.
  /// - Parameters:
  ///   - shortest: tokens that are worth sharing.
  ///   - limit: tokens that a group of more than one sequence may take.
  static func grouping(_ sequences: [PassSequence], shortest: Int, limit: Int) -> [PassGroup] {
    var groups: [PassGroup] = []
    var (start, shared) = (0, 0)
    for index in sequences.indices where index > 0 {
      let members = index - start
      let common = SharedPrefix.common(
        sequences[start].tokens, sequences[index].tokens, atMost: members == 1 ? .max : shared)
      let saves = common >= shortest && members * common >= (members - 1) * shared
      if saves, SharedPrefix(members + 1, { sequences[start + $0].tokens }).tokenCount <= limit {
        shared = common
      } else {
        groups.append(PassGroup(sequences[start..<index]))
        (start, shared) = (index, 0)
      }
    }
    if start < sequences.count { groups.append(PassGroup(sequences[start...])) }
    return groups
  }
}
