import Checkpoints
import Models
import Support

/// All tensors of a model in its folder. A missing tensor, a wrong shape or an extra tensor is an error.
struct HuggingFaceWeights {
  let tensors: [Correspondence<StoredTensor>]

  /// - Parameters:
  ///   - layout: our layout.
  ///   - positions: rows of a table of learned positions in the folder.
  init(
    _ folder: SafetensorsFolder, _ family: Family, _ layout: ParameterLayout, positions: Int
  ) throws {
    let prefix = Self.prefix(folder, family)
    let wanted = family.tensors.correspondences(layout, prefix: prefix, positions: positions)
    tensors = try wanted.map { wanted in
      try wanted.found(in: folder) { $0 == family.tensors.unembedding ? Self.untiedRemedy : nil }
    }
    var used = Set(wanted.flatMap { $0.parts.map(\.name) })
    if layout.architecture.tiedEmbeddings && !layout.hasScalarHead,
      folder.tensor(family.tensors.unembedding) != nil
    {
      try Self.requireTied(family, tensors[0], in: folder)
      used.insert(family.tensors.unembedding)
    }
    try folder.requireNoOther(than: used, of: family.languageModel, but: family.tensors.isBuffer)
  }

  private static let untiedRemedy =
    "If the model multiplies with its token embedding there, set \"tie_word_embeddings\" to true in "
    + "\(HuggingFaceModel.configurationFile); else copy the folder again."

  /// The files of the original gpt2 repository name the trunk's tensors without a prefix.
  private static func prefix(_ folder: SafetensorsFolder, _ family: Family) -> String {
    let isBare = family == .gpt2 && folder.tensor(family.tensors.tokenEmbedding) != nil
    return isBare ? "" : family.tensors.prefix
  }

  /// A tied model may also contain its unembedding, if it equals the embedding.
  private static func requireTied(
    _ family: Family, _ embedding: Correspondence<StoredTensor>, in folder: SafetensorsFolder
  ) throws {
    let ours = embedding.ours
    let part = NamedShape(name: family.tensors.unembedding, dims: ours.dims)
    let found = try Correspondence(ours, stacked: [part], rows: [ours.dims[0]]).found(in: folder)
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
        .badData, "it differs from the token embedding, but the configuration says that the two are tied",
        at: found.parts[0].place, remedy: "Set \"tie_word_embeddings\" to what the model was trained with.")
    }
  }
}
