import Checkpoints
import Foundation
import Jinja
import Support
import Tensors
import TestSupport
import Testing
import Tokenizers

@testable import Interchange
@testable import Models

/// A tiny random model in Hugging Face's form, and what `transformers` computes with it;
/// Tools/goldens/make_interchange.py says what each field is.
struct Golden {
  static let languageModels = [
    "gpt2", "gpt2-bare", "neox-parallel", "neox-sequential", "llama-rope", "llama-tied", "qwen2", "qwen3",
  ]
  /// Families whose layers differ, or that scale, cap or normalise otherwise than Llama.
  static let laterModels = [
    "mistral", "mistral-stored", "gemma3", "gemma3-stored", "smollm3", "smollm3-stored", "gemma2", "olmo2",
    "olmo2-stored", "phi3", "phi3-stored", "granite", "granite-stored",
  ]
  static let rewardModel = "llama-reward"

  struct Expected: Decodable {
    struct Training: Decodable {
      var learning_rate: Double
      var beta1, beta2, epsilon, weight_decay: Float
      var losses: [Double]
    }

    var tolerance: Double
    /// nil for `tolerance`.
    var logits_tolerance: Double?
    var sequences: [[Int32]]
    var logits, score: String?
    var training: Training?

    static func floats(_ text: String?) throws -> [Float] {
      let text = try #require(text)
      let bytes = try #require(Data(base64Encoded: text))
      return stride(from: 0, to: bytes.count, by: 4).map { first in
        Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[first + $1]) << (8 * $1) })
      }
    }
  }

  let name: String
  let path: String
  let expected: Expected

  init(_ name: String) throws {
    self.name = name
    path = try #require(Bundle.module.path(forResource: name, ofType: nil, inDirectory: "Goldens"))
    expected = try JSON.decode(
      Expected.self, from: Files.read("\(path)/expected.json"), at: "\(name)/expected.json")
  }

  func tokenizer(vocabulary: Int? = nil) throws -> Tokenizer {
    try HuggingFaceTokenizer.read(
      folder: path, vocabulary: vocabulary ?? HuggingFaceModel(folder: path).architecture.vocabulary,
      chat: .test()
    ).tokenizer
  }
}

extension ChatChoice {
  /// On a day that does not change.
  static func test(_ template: Template = .own) -> ChatChoice {
    ChatChoice(template, date: CalendarDate(year: 2025, month: 3, day: 9, hour: 14, minute: 5, second: 7))
  }

  static func test(format: String?) -> ChatChoice { test(format.map { .named($0) } ?? .own) }
}

/// A folder's model, written as a checkpoint and opened.
final class Imported {
  let folder = TemporaryFolder()
  let model: HuggingFaceModel
  let checkpoint: Checkpoint
  let file: ModelFile

  init(_ path: String, context: Int? = nil) throws {
    model = try HuggingFaceModel(folder: path, context: context)
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: model.architecture,
        training: TrainingRecord(kind: model.isReward ? .reward : .base), identity: 1,
        configuration: Array("{}".utf8), tensors: model.tensors),
      to: folder.file("model.trlhf"))
    checkpoint = try Checkpoint(path: folder.file("model.trlhf"), access: .copyOnWrite, verify: true)
    file = try ModelFile(checkpoint)
  }
}

/// A checkpoint of random parameters.
final class RandomModel {
  let file: ModelFile

  init(_ architecture: Architecture, in folder: TemporaryFolder) throws {
    let arena = Arena()
    let layout = ParameterLayout(architecture, scalarHead: false)
    let parameters = try ParameterSet(layout, name: "parameters", arena: arena)
    parameters.initialize(seed: 3)
    let path = folder.file("random.trlhf")
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture, training: TrainingRecord(kind: .base), identity: 1,
        configuration: Array("{}".utf8), tensors: parameters.sources(.policy)),
      to: path)
    file = try ModelFile(Checkpoint(path: path, access: .copyOnWrite, verify: true))
  }
}

/// A transformer, and what one pass over some sequences gives.
final class Bench {
  let arena = Arena()
  let compute: Compute
  let transformer: Transformer
  private let batch: TokenBatch
  private let rows: UnsafeMutablePointer<Int32>

  init(_ architecture: Architecture, training: Bool = false) throws {
    let widest = max(architecture.dModel, architecture.queryWidth, architecture.dFF)
    compute = try Compute(threads: 1, arena: arena, int8Rows: 64, int8Columns: widest)
    transformer = try Transformer(
      architecture, rows: 64, training: training, compute: compute, arena: arena)
    batch = try TokenBatch(capacity: 64, arena: arena)
    rows = try arena.allocate("rows", 64, of: Int32.self)
  }

  /// [ΣT, vocabulary]
  func logits(_ weights: TransformerWeights, _ sequences: [[Int32]]) -> [Float] {
    forward(weights, sequences)
    for row in 0..<batch.rows { rows[row] = Int32(row) }
    let logits = transformer.logits(weights, rows, batch.rows)
    return Array(UnsafeBufferPointer(start: logits.base, count: logits.rows * logits.columns))
  }

  /// The scalar head at each sequence's last token.
  func scores(_ parameters: any StoredParameters, _ sequences: [[Int32]]) -> [Float] {
    forward(TransformerWeights(parameters), sequences)
    for (i, entry) in batch.entries.enumerated() { rows[i] = Int32(entry.row + entry.count - 1) }
    var scores = [Float](repeating: 0, count: sequences.count)
    transformer.scores(parameters.scalarHead!, rows: rows, count: sequences.count, to: &scores)
    return scores
  }

  private func forward(_ weights: TransformerWeights, _ sequences: [[Int32]]) {
    batch.removeAll()
    for sequence in sequences { batch.append(sequence) }
    transformer.forward(weights, batch)
  }
}

/// |ours − theirs| / max|theirs|
func relativeError(_ ours: [Float], _ theirs: [Float]) -> Double {
  precondition(ours.count == theirs.count && !ours.isEmpty, "\(ours.count) of \(theirs.count)")
  let largest = theirs.reduce(0) { max($0, abs($1)) }
  let worst = zip(ours, theirs).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
  return Double(worst / largest)
}

extension IncomingModel {
  /// All tensors in float32.
  var tensors: [TensorSource] { tensors(as: .all(.float32), RoundingCount()) }
}
