import Models
import Support

/// A tensor of ours and the tensors of a folder that it is made of, their shapes checked.
struct FoundTensor {
  let correspondence: Correspondence
  let parts: [(tensor: ForeignTensor, type: ElementType)]

  var ours: ParameterLayout.Tensor { correspondence.ours }
  var rows: Int { correspondence.rows }
  var width: Int { correspondence.width }

  /// Rows `range` of ours as float32.
  /// - Throws: `Failure(.badData)` for a value that is not finite.
  func read(_ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) throws {
    switch correspondence.arrangement {
    case .transposed: readTransposed(range, into: floats)
    case .rows(let runs):
      for run in runs {
        let found = range.clamped(to: run.first..<run.first + run.count)
        guard !found.isEmpty else { continue }
        let (tensor, type) = parts[run.part]
        type.read(
          tensor.bytes.baseAddress!, from: (run.theirs + found.lowerBound - run.first) * width,
          count: found.count * width, into: floats + (found.lowerBound - range.lowerBound) * width)
      }
    }
    try requireFinite(floats, range)
  }

  private func readTransposed(_ range: Range<Int>, into floats: UnsafeMutablePointer<Float>) {
    let (tensor, type) = parts[0]
    withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count) { column in
      for k in 0..<width {
        type.read(
          tensor.bytes.baseAddress!, from: k * rows + range.lowerBound, count: range.count,
          into: column.baseAddress!)
        for n in 0..<range.count { floats[n * width + k] = column[n] }
      }
    }
  }

  private func requireFinite(_ floats: UnsafePointer<Float>, _ range: Range<Int>) throws {
    var largest: UInt32 = 0
    for i in 0..<range.count * width { largest = max(largest, floats[i].bitPattern & 0x7F80_0000) }
    guard largest == 0x7F80_0000 else { return }
    let index = (0..<range.count * width).first { !floats[$0].isFinite }!
    let row = range.lowerBound + index / width
    var part = 0
    if case .rows(let runs) = correspondence.arrangement {
      part = runs.first { ($0.first..<$0.first + $0.count).contains(row) }!.part
    }
    throw Failure(
      .badData, "a value is \(floats[index])", at: parts[part].tensor.place,
      remedy: "Copy the file again; nobody can compute with it.")
  }
}

/// All tensors of a model, found in its folder; what is missing, of another shape or superfluous is an
/// error.
struct HuggingFaceWeights {
  let tensors: [FoundTensor]

  /// - Parameters:
  ///   - layout: ours.
  ///   - positions: rows of a table of learned positions in the folder.
  init(
    _ folder: SafetensorsFolder, _ family: Family, _ layout: ParameterLayout, positions: Int
  ) throws {
    let prefix = Self.prefix(folder, family)
    let wanted = family.correspondences(layout, prefix: prefix, positions: positions)
    tensors = try wanted.map { wanted in
      let parts = try wanted.parts.map { part in
        let tensor = try Self.find(part, in: folder, isUnembedding: part.name == family.unembedding)
        return (tensor, try tensor.elementType())
      }
      return FoundTensor(correspondence: wanted, parts: parts)
    }
    var used = Set(wanted.flatMap { $0.parts.map(\.name) })
    if layout.architecture.tiedEmbeddings && !layout.hasScalarHead,
      folder.tensor(family.unembedding) != nil
    {
      try Self.requireTied(family, tensors[0], in: folder)
      used.insert(family.unembedding)
    }
    for name in folder.names where !used.contains(name) && !family.isBuffer(name) {
      throw Failure(
        .badData, "it belongs to no part of a \(family.languageModel) with this configuration",
        at: folder.tensor(name)!.place,
        remedy: "Copy the folder again; configuration and weights are not of one model.")
    }
  }

  /// The files of the original gpt2 repository name the trunk's tensors without a prefix.
  private static func prefix(_ folder: SafetensorsFolder, _ family: Family) -> String {
    let isBare = family == .gpt2 && folder.tensor(family.tokenEmbedding) != nil
    return isBare ? "" : family.prefix
  }

  private static func find(
    _ part: Correspondence.Part, in folder: SafetensorsFolder, isUnembedding: Bool = false
  ) throws -> ForeignTensor {
    guard let tensor = folder.tensor(part.name) else {
      throw Failure(
        .badData, "the tensor \"\(part.name)\" \(part.dims) is missing", at: folder.path,
        remedy: isUnembedding
          ? "If the model multiplies with its token embedding there, set \"tie_word_embeddings\" to true in "
            + "\(HuggingFaceModel.configurationFile); else copy the folder again."
          : "Copy the folder again; configuration and weights are not of one model.")
    }
    guard tensor.dims == part.dims else {
      throw Failure(
        .badData, "its shape is \(tensor.dims), and the configuration says \(part.dims)",
        at: tensor.place,
        remedy: "Copy the folder again; configuration and weights are not of one model.")
    }
    return tensor
  }

  /// A tied model may carry its unembedding beside the embedding, as long as it is the same.
  private static func requireTied(
    _ family: Family, _ embedding: FoundTensor, in folder: SafetensorsFolder
  ) throws {
    let ours = embedding.ours
    let part = Correspondence.Part(name: family.unembedding, dims: ours.dims)
    let copy = try find(part, in: folder)
    let found = FoundTensor(
      correspondence: Correspondence(ours, stacked: [part], rows: [ours.dims[0]]),
      parts: [(copy, try copy.elementType())])
    let isEqual = try withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * ours.dims[1]) { buffer in
      let (a, b) = (buffer.baseAddress!, buffer.baseAddress! + ours.dims[1])
      return try (0..<ours.dims[0]).allSatisfy { row in
        try embedding.read(row..<row + 1, into: a)
        try found.read(row..<row + 1, into: b)
        return (0..<ours.dims[1]).allSatisfy { a[$0] == b[$0] }
      }
    }
    guard isEqual else {
      throw Failure(
        .badData, "it is not the token embedding, and the configuration says that the two are tied",
        at: copy.place, remedy: "Set \"tie_word_embeddings\" to what the model was trained with.")
    }
  }
}
