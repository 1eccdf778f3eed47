import Datasets
import Dialogues
import Evaluation
import Inference
import Support
import Tokenizers
import World

/// The data of a base model: text, and a tokenizer trained on it.
public struct PretrainData {
  package let source: DocumentSource
  public let tokenizer: Tokenizer
  let provenance: Provenance.Source
  /// The seed of the built-in world, if the text is the world's.
  let worldSeed: UInt64?
  /// What was read and how many tokens it has; nil for the built-in world's text.
  public let report: DatasetReport?

  /// Number of the world's documents on which its tokenizer is trained.
  private static let tokenizerDocuments = 20_000

  /// - Parameters:
  ///   - texts: documents; nil for the built-in world's.
  /// - Throws: `Failure(.badData)` if there is too little text.
  public init(_ texts: Dataset<String>?, worldSeed: UInt64, settings: Settings, threads: Int) throws {
    let vocabulary = settings.count(.vocabulary)
    if let texts {
      tokenizer = Tokenizer.train(on: texts.records, vocabularySize: vocabulary)
      let tokenized = try texts.tokenized(tokenizer, threads: threads)
      report = tokenized.report
      source = .texts(
        try TokenizedTexts(tokenized.records, context: settings.count(.context), at: texts.report.name))
      let hash = texts.records.reduce(into: UInt64(0)) { $0 = Hash.xxh64(Array($1.utf8), seed: $0) }
      provenance = .init(name: "text", hash: hash)
      self.worldSeed = nil
    } else {
      let world = World(seed: worldSeed)
      report = nil
      tokenizer = Tokenizer.train(on: Self.documents(of: world), vocabularySize: vocabulary)
      source = .world(world)
      provenance = .init(name: "world", hash: worldSeed)
      self.worldSeed = worldSeed
    }
  }

  /// The documents on which a world's tokenizer is trained.
  private static func documents(of world: World) -> [String] {
    let work = Work("writing documents", of: tokenizerDocuments)
    defer { work.end() }
    return (0..<tokenizerDocuments).map {
      defer { work.advance() }
      return text(world.document($0))
    }
  }

  private static func text(_ document: WorldDocument) -> String {
    switch document {
    case .text(let text): text
    case .dialogue(let turns): turns.map(\.content).joined(separator: "\n")
    }
  }
}
