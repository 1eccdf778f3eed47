import Models

/// A tensor of the other program, as it must be.
struct NamedShape: Equatable {
  let name: String
  let dims: [Int]
}

/// Our rows from `first` on are `count` rows of a part, from its row `theirs` on.
struct RowRun: Equatable {
  let first: Int
  let part: Int
  let theirs: Int
  let count: Int
}

/// How one of our tensors is made from parts, tensors of another program, and the reverse.
///
/// Whole rows are copied, so values keep their bits, except norms that the other program stores plus 1. A vector counts
/// as rows of one element.
struct Correspondence<Part> {
  let ours: ParameterLayout.Tensor
  let parts: [Part]
  /// Empty for a transposed tensor.
  let runs: [RowRun]
  /// What the other program's values have more than ours.
  var offset: Float = 0

  /// Whether the only part is [columns, rows]: a GPT-2 projection.
  var isTransposed: Bool { runs.isEmpty }
  /// Elements in one of our rows.
  var width: Int { ours.dims.count > 1 ? ours.dims[1] : 1 }
  var rows: Int { ours.dims[0] }

  init(_ ours: ParameterLayout.Tensor, _ parts: [Part], _ runs: [RowRun]) {
    self.ours = ours
    self.parts = parts
    self.runs = runs
  }

  /// Parts stacked one above the other.
  init(_ ours: ParameterLayout.Tensor, stacked parts: [Part], rows: [Int]) {
    var first = 0
    self.init(
      ours, parts,
      rows.enumerated().map { part, count in
        defer { first += count }
        return RowRun(first: first, part: part, theirs: 0, count: count)
      })
  }

  init(_ ours: ParameterLayout.Tensor, transposed part: Part) { self.init(ours, [part], []) }

  /// The same with other values for its parts.
  func map<Other>(_ transform: (Part) throws -> Other) rethrows -> Correspondence<Other> {
    var other = Correspondence<Other>(ours, try parts.map(transform), runs)
    other.offset = offset
    return other
  }
}

extension TensorNames {
  /// Every tensor of a model, in the layout's order, except the scalar head's bias, which the other program does not
  /// have.
  /// - Parameters:
  ///   - prefix: nil for the family's own.
  ///   - positions: rows of their table of positions; ours may have fewer.
  func correspondences(_ layout: ParameterLayout, prefix: String? = nil, positions: Int) -> [Correspondence<NamedShape>] {
    let a = layout.architecture
    var all = layout.trunk.map { correspondence($0, a, prefix: prefix ?? self.prefix, positions: positions) }
    if layout.hasScalarHead {
      let head = layout.head[0]
      all.append(
        Correspondence(
          head, stacked: [NamedShape(name: Family.scoreHead, dims: [1, head.count])], rows: [head.count]))
    }
    return all
  }

  private func correspondence(
    _ ours: ParameterLayout.Tensor, _ a: Architecture, prefix: String, positions: Int
  ) -> Correspondence<NamedShape> {
    if ours.role == .unembedding {
      return Correspondence(
        ours, stacked: [NamedShape(name: unembedding, dims: ours.dims)], rows: [ours.dims[0]])
    }
    let dot = ours.name.lastIndex(of: ".")!
    let module = String(ours.name[..<dot])
    let names = modules(of: module).map { "\(prefix)\($0)\(ours.name[dot...])" }
    precondition(!names.isEmpty, "\(layers) has no \(ours.name)")
    let arrangement = arrangements[String(module.split(separator: ".", maxSplits: 2).last!)]
    if arrangement == .transposed, ours.dims.count > 1 {
      return Correspondence(
        ours, transposed: NamedShape(name: names[0], dims: ours.dims.reversed()))
    }
    if arrangement == .interleavedHeads {
      return Correspondence(
        ours, [NamedShape(name: names[0], dims: ours.dims)], Self.interleavedHeads(a))
    }
    var rows = [ours.dims[0]]
    if names.count == 3 { rows = [a.queryWidth, a.keyValueWidth, a.keyValueWidth] }
    if names.count == 2 { rows = [a.dFF, a.dFF] }
    let theirs = ours.role == .positionEmbedding ? [positions] : rows
    let parts = zip(names, theirs).map { NamedShape(name: $0, dims: [$1] + ours.dims.dropFirst()) }
    if arrangement == .neighbouringPairs { return Correspondence(ours, parts, Self.turnedInPairs(a)) }
    var correspondence = Correspondence(ours, stacked: parts, rows: rows)
    if addsOneToNorms, a.normUnitOffset, ours.role == .normWeight { correspondence.offset = 1 }
    return correspondence
  }

  /// GPT-NeoX stores query, key and value of one head together.
  private static func interleavedHeads(_ a: Architecture) -> [RowRun] {
    (0..<3).flatMap { kind in
      (0..<a.heads).map { head in
        RowRun(
          first: kind * a.queryWidth + head * a.headDim, part: 0,
          theirs: (3 * head + kind) * a.headDim, count: a.headDim)
      }
    }
  }

  /// llama.cpp's Llama rotates neighbouring elements of a head together, not one element of each half.
  private static func turnedInPairs(_ a: Architecture) -> [RowRun] {
    let half = a.headDim / 2
    func turned(_ part: Int, heads: Int, first: Int) -> [RowRun] {
      (0..<heads * a.headDim).map { row in
        let (head, i) = (row / a.headDim, row % a.headDim)
        return RowRun(
          first: first + row, part: part, theirs: head * a.headDim + 2 * (i % half) + i / half, count: 1)
      }
    }
    return turned(0, heads: a.heads, first: 0) + turned(1, heads: a.kvHeads, first: a.queryWidth)
      + [.init(first: a.queryWidth + a.keyValueWidth, part: 2, theirs: 0, count: a.keyValueWidth)]
  }
}
