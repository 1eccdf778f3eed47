import Models

/// How one of our tensors is made from tensors of another program, and the reverse.
///
/// Whole rows are copied, so values keep their bits, except norms that the other program stores plus 1. A vector counts
/// as rows of one element.
struct Correspondence {
  /// A tensor of the other program.
  struct Part: Equatable {
    let name: String
    let dims: [Int]
  }

  /// Our rows from `first` on are `count` rows of a part, from its row `theirs` on.
  struct Run: Equatable {
    let first: Int
    let part: Int
    let theirs: Int
    let count: Int
  }

  enum Arrangement: Equatable {
    case rows([Run])
    /// One part, [columns, rows]: a GPT-2 projection.
    case transposed
  }

  let ours: ParameterLayout.Tensor
  let parts: [Part]
  let arrangement: Arrangement
  /// What the other program's values have more than ours.
  var offset: Float = 0

  /// Elements in one of our rows.
  var width: Int { ours.dims.count > 1 ? ours.dims[1] : 1 }
  var rows: Int { ours.dims[0] }

  /// Parts stacked one above the other.
  init(_ ours: ParameterLayout.Tensor, stacked parts: [Part], rows: [Int]) {
    self.ours = ours
    self.parts = parts
    var first = 0
    arrangement = .rows(
      rows.enumerated().map { part, count in
        defer { first += count }
        return Run(first: first, part: part, theirs: 0, count: count)
      })
  }

  init(_ ours: ParameterLayout.Tensor, _ parts: [Part], _ arrangement: Arrangement) {
    self.ours = ours
    self.parts = parts
    self.arrangement = arrangement
  }

  /// The runs of one part in its own row order. In them, `first` is the part's row and `theirs` is our row.
  func inverse(part: Int) -> [Run] {
    guard case .rows(let runs) = arrangement else { return [] }
    return runs.filter { $0.part == part }.sorted { $0.theirs < $1.theirs }.map {
      Run(first: $0.theirs, part: 0, theirs: $0.first, count: $0.count)
    }
  }
}

extension TensorNames {
  /// Every tensor of a model, in the layout's order, except the scalar head's bias, which the other program does not
  /// have.
  /// - Parameters:
  ///   - prefix: nil for the family's own.
  ///   - positions: rows of their table of positions; ours may have fewer.
  func correspondences(_ layout: ParameterLayout, prefix: String? = nil, positions: Int) -> [Correspondence] {
    let a = layout.architecture
    var all = layout.trunk.map { correspondence($0, a, prefix: prefix ?? self.prefix, positions: positions) }
    if layout.hasScalarHead {
      let head = layout.head[0]
      all.append(
        Correspondence(
          head, stacked: [.init(name: Family.scoreHead, dims: [1, head.count])], rows: [head.count]))
    }
    return all
  }

  private func correspondence(
    _ ours: ParameterLayout.Tensor, _ a: Architecture, prefix: String, positions: Int
  ) -> Correspondence {
    if ours.role == .unembedding {
      return Correspondence(
        ours, stacked: [.init(name: unembedding, dims: ours.dims)], rows: [ours.dims[0]])
    }
    let dot = ours.name.lastIndex(of: ".")!
    let module = String(ours.name[..<dot])
    let names = modules(of: module).map { "\(prefix)\($0)\(ours.name[dot...])" }
    precondition(!names.isEmpty, "\(layers) has no \(ours.name)")
    let arrangement = arrangements[String(module.split(separator: ".", maxSplits: 2).last!)]
    if arrangement == .transposed, ours.dims.count > 1 {
      return Correspondence(
        ours, [.init(name: names[0], dims: ours.dims.reversed())], .transposed)
    }
    if arrangement == .interleavedHeads {
      return Correspondence(
        ours, [.init(name: names[0], dims: ours.dims)], .rows(Self.interleavedHeads(a)))
    }
    var rows = [ours.dims[0]]
    if names.count == 3 { rows = [a.queryWidth, a.keyValueWidth, a.keyValueWidth] }
    if names.count == 2 { rows = [a.dFF, a.dFF] }
    let theirs = ours.role == .positionEmbedding ? [positions] : rows
    let parts = zip(names, theirs).map { Correspondence.Part(name: $0, dims: [$1] + ours.dims.dropFirst()) }
    if arrangement == .neighbouringPairs { return Correspondence(ours, parts, .rows(Self.turnedInPairs(a))) }
    var correspondence = Correspondence(ours, stacked: parts, rows: rows)
    if addsOneToNorms, a.normUnitOffset, ours.role == .normWeight { correspondence.offset = 1 }
    return correspondence
  }

  /// GPT-NeoX stores query, key and value of one head together.
  private static func interleavedHeads(_ a: Architecture) -> [Correspondence.Run] {
    (0..<3).flatMap { kind in
      (0..<a.heads).map { head in
        Correspondence.Run(
          first: kind * a.queryWidth + head * a.headDim, part: 0,
          theirs: (3 * head + kind) * a.headDim, count: a.headDim)
      }
    }
  }

  /// llama.cpp's Llama rotates neighbouring elements of a head together, not one element of each half.
  private static func turnedInPairs(_ a: Architecture) -> [Correspondence.Run] {
    let half = a.headDim / 2
    func turned(_ part: Int, heads: Int, first: Int) -> [Correspondence.Run] {
      (0..<heads * a.headDim).map { row in
        let (head, i) = (row / a.headDim, row % a.headDim)
        return Correspondence.Run(
          first: first + row, part: part, theirs: head * a.headDim + 2 * (i % half) + i / half, count: 1)
      }
    }
    return turned(0, heads: a.heads, first: 0) + turned(1, heads: a.kvHeads, first: a.queryWidth)
      + [.init(first: a.queryWidth + a.keyValueWidth, part: 2, theirs: 0, count: a.keyValueWidth)]
  }
}
