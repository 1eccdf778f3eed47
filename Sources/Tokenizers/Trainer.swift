import Support

extension Tokenizer {
  /// Learns merges: repeatedly turns the most frequent pair of adjacent tokens into one token.
  ///
  /// Of pairs with equal counts, the one with the lower ids wins. So the same documents in any order give the same
  /// tokenizer. Training stops early if no pair occurs twice.
  /// - Parameter vocabularySize: at least 260: the special tokens and the bytes.
  /// - Complexity: linear in the text for counting; then each merge visits only the distinct pieces that contain its
  ///   pair.
  public static func train(
    on documents: some Sequence<String>, vocabularySize: Int
  ) -> Tokenizer {
    precondition(
      vocabularySize >= firstMerge && vocabularySize <= 1 << 24,
      "a vocabulary of \(vocabularySize) is not within \(firstMerge)…\(1 << 24)")
    var pieces = PieceCounts()
    let work = Work("counting pieces of text", of: documents.underestimatedCount)
    for document in documents {
      pieces.add(document)
      work.advance()
    }
    work.end()
    var trainer = Trainer(pieces)
    trainer.learn(vocabularySize - Int(firstMerge))
    return Tokenizer(validated: trainer.merges, bytes: trainer.tokens)
  }
}

/// The state of training: each distinct piece as tokens, and the places where each pair occurs.
private struct Trainer {
  private(set) var merges: [Merge] = []
  private(set) var tokens: [[UInt8]]
  private var known: Set<[UInt8]>
  private var pieces: [[Int32]]
  private let weights: [Int]
  private var pairs: [Merge: Occurrences] = [:]
  private var candidates = Heap<Candidate>()

  private struct Occurrences {
    var count = 0
    /// Pieces that contained the pair when it was recorded; some may no longer contain it.
    var pieces: [Int32] = []

    mutating func add(_ weight: Int, in piece: Int32) {
      count += weight
      if pieces.last != piece { pieces.append(piece) }
    }
  }

  /// Most frequent first, then the pair with the lowest ids. This is a total order, because a pair is queued only
  /// once for each count.
  private struct Candidate: Comparable {
    var count: Int
    var pair: Merge

    static func < (a: Candidate, b: Candidate) -> Bool {
      a.count != b.count ? a.count > b.count : a.pair.key < b.pair.key
    }
  }

  init(_ counts: PieceCounts) {
    tokens = SpecialToken.allCases.map { _ in [] } + (0...255).map { [UInt8($0)] }
    known = Set(tokens)
    weights = counts.counts
    pieces = counts.counts.indices.map { counts[$0].map { Tokenizer.token(of: $0) } }
    for (index, piece) in pieces.enumerated() {
      for (left, right) in zip(piece, piece.dropFirst()) {
        pairs[Merge(left, right), default: Occurrences()].add(weights[index], in: Int32(index))
      }
    }
    for (pair, occurrences) in pairs {
      candidates.push(Candidate(count: occurrences.count, pair: pair))
    }
  }

  mutating func learn(_ wanted: Int) {
    let work = Work("learning merges", of: wanted)
    defer { work.end() }
    while merges.count < wanted, let candidate = candidates.pop() {
      // The count of a queued pair can only fall. If it fell, the pair is queued again with its new count.
      let count = pairs[candidate.pair]?.count ?? 0
      guard count >= 2 else { continue }
      guard count == candidate.count else {
        candidates.push(Candidate(count: count, pair: candidate.pair))
        continue
      }
      let joined = tokens[Int(candidate.pair.left)] + tokens[Int(candidate.pair.right)]
      // If another merge already makes the same bytes, no second token is made.
      guard joined.count <= Tokenizer.longestToken, known.insert(joined).inserted else { continue }
      apply(candidate.pair, as: Int32(tokens.count))
      merges.append(candidate.pair)
      work.advance()
      tokens.append(joined)
    }
  }

  private mutating func apply(_ pair: Merge, as token: Int32) {
    guard let occurrences = pairs.removeValue(forKey: pair) else { return }
    var created: Set<Merge> = []
    for piece in occurrences.pieces {
      merge(pair, as: token, in: piece, created: &created)
    }
    for pair in created {
      candidates.push(Candidate(count: pairs[pair]?.count ?? 0, pair: pair))
    }
  }

  /// Rewrites one piece and updates the counts of the pairs around each merge.
  private mutating func merge(
    _ pair: Merge, as token: Int32, in piece: Int32, created: inout Set<Merge>
  ) {
    let old = pieces[Int(piece)]
    let weight = weights[Int(piece)]
    var new: [Int32] = []
    var index = 0
    while index < old.count {
      let merges =
        index + 1 < old.count && old[index] == pair.left && old[index + 1] == pair.right
      let symbol = merges ? token : old[index]
      if let previous = new.last, merges || previous == token {
        pairs[Merge(old[index - 1], old[index])]?.count -= weight
        let seam = Merge(previous, symbol)
        pairs[seam, default: Occurrences()].add(weight, in: piece)
        created.insert(seam)
      }
      new.append(symbol)
      index += merges ? 2 : 1
    }
    pieces[Int(piece)] = new
  }
}
