import ArgumentParser
import Checkpoints
import Support

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a checkpoint is: architecture, training, sections, tensors, provenance.")

  @Argument(help: ArgumentHelp(ModelSource.help)) var file: String
  @Flag(help: "One JSON object instead of text.") var json = false
  @Flag(help: "Check every hash and value first.") var verify = false

  func run() throws {
    let inspection = try Inspection(
      ModelSource.checkpoint(file, verify: verify), isVerified: verify)
    if json {
      try Console.output(JSON.line(inspection))
    } else {
      try Console.output(Array(Terminal.harmless(inspection.text, keepingLines: true).utf8))
    }
  }
}

/// A checkpoint as `inspect` shows it.
private struct Inspection: Encodable {
  struct Architecture: Encodable {
    let layers, dModel, heads, kvHeads, headDim, dFF, vocabulary, context: UInt32
    let norm, position, mlp: String
    let attentionBias, mlpBias, normBias, tiedEmbeddings: Bool

    enum CodingKeys: String, CodingKey {
      case layers, heads, vocabulary, context, norm, position, mlp
      case dModel = "d_model"
      case kvHeads = "kv_heads"
      case headDim = "head_dim"
      case dFF = "d_ff"
      case attentionBias = "attention_bias"
      case mlpBias = "mlp_bias"
      case normBias = "norm_bias"
      case tiedEmbeddings = "tied_embeddings"
    }

    init(_ record: ArchitectureRecord) {
      layers = record.layers
      dModel = record.dModel
      heads = record.heads
      kvHeads = record.kvHeads
      headDim = record.headDim
      dFF = record.dFF
      vocabulary = record.vocabulary
      context = record.context
      norm = record.normKind == ArchitectureRecord.rmsNorm ? "rmsnorm" : "layernorm"
      position = record.positionKind == ArchitectureRecord.rotaryPositions ? "rotary" : "learned"
      mlp = record.mlpKind == ArchitectureRecord.swiglu ? "swiglu" : "gelu"
      attentionBias = record.flags.contains(.attentionBias)
      mlpBias = record.flags.contains(.mlpBias)
      normBias = record.flags.contains(.normBias)
      tiedEmbeddings = record.flags.contains(.tiedEmbeddings)
    }
  }

  struct Training: Encodable {
    let kind: String
    let isTrainingCheckpoint: Bool
    let step, seed: UInt64

    enum CodingKeys: String, CodingKey {
      case kind, step, seed
      case isTrainingCheckpoint = "training_checkpoint"
    }
  }

  struct Section: Encodable {
    let kind, role: String
    let bytes: Int
  }

  struct Tensor: Encodable {
    let name, section, role, type: String
    let dims: [Int]
    let bytes: Int
  }

  let file: String
  let fileBytes: Int
  let identity, contentHash, tokenizerHash: String
  let verified: Bool
  let architecture: Architecture
  let training: Training
  let sections: [Section]
  let tensors: [Tensor]
  let configuration: JSONValue
  let provenance: JSONValue

  enum CodingKeys: String, CodingKey {
    case file, identity, verified, architecture, training, sections, tensors, configuration
    case provenance
    case fileBytes = "file_bytes"
    case contentHash = "content_hash"
    case tokenizerHash = "tokenizer_hash"
  }

  init(_ checkpoint: Checkpoint, isVerified: Bool) throws {
    file = checkpoint.path
    fileBytes = checkpoint.fileBytes
    identity = Hexadecimal.text(checkpoint.identity)
    contentHash = Hexadecimal.text(checkpoint.contentHash)
    tokenizerHash = Hexadecimal.text(checkpoint.tokenizerHash)
    verified = isVerified
    architecture = Architecture(checkpoint.architecture)
    let record = checkpoint.training
    training = Training(
      kind: "\(record.kind)", isTrainingCheckpoint: record.isTrainingCheckpoint,
      step: record.step, seed: record.seed)
    sections = checkpoint.sections.map {
      Section(kind: "\($0.kind)", role: "\($0.role)", bytes: $0.bytes)
    }
    tensors = checkpoint.sections.filter(\.kind.holdsTensors).flatMap { section in
      checkpoint.tensors(in: section.kind, role: section.role).map {
        Tensor(
          name: $0.name, section: "\($0.section)", role: "\($0.role)", type: "\($0.type)",
          dims: $0.dims, bytes: $0.byteCount)
      }
    }
    configuration = try Self.json(checkpoint.configuration, "\(checkpoint.path), CONFIG")
    provenance = try Self.json(checkpoint.provenance, "\(checkpoint.path), PROVENANCE")
  }

  private static func json(_ bytes: [UInt8], _ place: String) throws -> JSONValue {
    bytes.isEmpty ? .null : try JSON.decode(JSONValue.self, from: bytes, at: place)
  }

  /// For people.
  var text: String {
    let a = architecture
    let t = training
    var lines = [
      "\(file): \(t.kind) model\(t.isTrainingCheckpoint ? " in training" : ""), "
        + Formatting.bytes(fileBytes),
      "  architecture  \(a.layers) layers, d_model \(a.dModel), \(a.heads) heads "
        + "(\(a.kvHeads) key-value) of \(a.headDim), d_ff \(a.dFF)",
      "                vocabulary \(a.vocabulary), context \(a.context), \(a.norm), "
        + "\(a.position) positions, \(a.mlp)",
      "  training      step \(t.step), seed \(t.seed)",
      "  identity      \(identity)",
      "  content hash  \(contentHash)\(verified ? " (verified)" : "")",
      "  tokenizer     \(tokenizerHash)",
      "  sections",
    ]
    lines += sections.map { "    \($0.kind) \($0.role)  \(Formatting.bytes($0.bytes))" }
    lines.append("  tensors")
    lines += tensors.map {
      "    \($0.name)  \($0.dims.map(String.init).joined(separator: " × "))  \($0.type)"
    }
    if let text = try? JSON.encode(provenance, pretty: true) {
      lines.append("  provenance")
      lines += String(decoding: text, as: UTF8.self).split(separator: "\n").map { "    \($0)" }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
