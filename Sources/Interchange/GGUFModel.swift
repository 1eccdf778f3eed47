import Checkpoints
import Models
import Support
import Tokenizers

/// A language model in a GGUF file, the format of llama.cpp.
public struct GGUFModel: IncomingModel {
  public let architecture: Architecture
  public let className: String
  public let warnings: [String]
  private let archive: GGUFArchive
  private let reader: GGUFTokenizerReader
  private let found: [Correspondence<StoredTensor>]

  /// - Parameter context: the longest sequence; nil for the model's own value.
  /// - Throws: `Failure(.badData)` for a damaged file or a model that this program does not compute; `.usage` for a
  ///   context that the model does not support.
  public init(_ path: String, context: Int? = nil) throws {
    try self.init(GGUFArchive(path), context: context)
  }

  init(_ archive: GGUFArchive, context: Int? = nil) throws {
    let reader = try GGUFTokenizerReader(archive.metadata)
    let configuration = try GGUFConfiguration(archive, vocabulary: reader.vocabulary)
    let (family, own) = (configuration.family, configuration.architecture)
    let architecture = try IncomingModels.architecture(own, context: context)
    try archive.requireRoom(for: architecture)
    let layout = ParameterLayout(architecture, scalarHead: false)
    let wanted = family.ggufTensors.correspondences(layout, positions: own.context)
    found = try wanted.map { try $0.found(in: archive) }
    var used = Set(wanted.flatMap { $0.parts.map(\.name) })
    // If the embedding is tied, the unembedding has the same values. The rope's factors are part of the architecture.
    used.insert(TensorNames.gguf.unembedding)
    if architecture.position == .rotary { used.insert(GGUFRope.tensor) }
    try archive.requireNoOther(than: used, of: family.languageModel)
    self.architecture = architecture
    className = family.languageModel
    warnings = configuration.warnings
    self.archive = archive
    self.reader = reader
  }

  public var isReward: Bool { false }
  public var isNormalized: Bool { false }
  public var padToken: Int? { nil }
  public var parameterCount: Int { found.parameterCount }
  public var quantizedTypes: [String] { found.quantizedTypes }

  public func tensors(as types: ImportedType, _ rounding: RoundingCount) -> [TensorSource] {
    found.map { $0.source(.weights, as: types, rounding) }
  }

  public func tokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String]) {
    try reader.endingTokenizer(chat)
  }

  public func sources() throws -> [(name: String, hash: UInt64)] {
    let work = Work("reading the weights", of: archive.bytes)
    defer { work.end() }
    return [(String(archive.path.split(separator: "/").last ?? ""), archive.hash)]
  }
}
