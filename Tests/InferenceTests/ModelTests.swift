import Checkpoints
import Glibc
import Models
import Support
import Tensors
import Testing
import Tokenizers

@testable import Inference

/// Files whose tensors are a model's and that lack something else which a model's use needs.
@Suite struct ModelTests {
  /// Writes a tiny model after `change`, and hands it to `body`.
  private func with<Result>(
    kind: ModelKind = .reward, change: (inout CheckpointContents) -> Void = { _ in },
    _ body: (Model) throws -> Result
  ) throws -> Result {
    let architecture = Architecture(
      layers: 1, dModel: 8, heads: 2, vocabulary: 261, context: 8, position: .rotary, rotaryDim: 4)
    let arena = Arena()
    let parameters = try ParameterSet(
      ParameterLayout(architecture, scalarHead: kind == .reward), name: "parameters", arena: arena)
    let normalization = try arena.floats("normalization", 2)
    (normalization[0], normalization[1]) = (2, 3)
    var contents = CheckpointContents(
      architecture: architecture, training: TrainingRecord(kind: kind), identity: 1,
      configuration: [], tokenizer: Tokenizer.train(on: ["ab ab"], vocabularySize: 261).serialized,
      tensors: parameters.sources(.policy) + [
        TensorSource(
          section: .head, role: .policy, name: "head.normalization", dims: [2], type: .float32,
          bytes: UnsafeRawBufferPointer(start: normalization, count: 8))
      ],
      provenance: provenance(#"{"world_seed": 7}"#))
    change(&contents)
    let path = "/tmp/tinyrlhf-recipe-\(getpid()).trlhf"
    defer { unlink(path) }
    try CheckpointWriter.write(contents, to: path)
    return try body(Model(Checkpoint(path: path)))
  }

  private func provenance(_ notes: String) -> [UInt8] {
    Array(
      #"{"stage":"reward","parents":[],"data":[],"configuration":{},"notes":\#(notes),"program":"p"}"#.utf8)
  }

  private func refusal(
    change: (inout CheckpointContents) -> Void, _ body: (Model) throws -> Void = { _ in }
  ) -> String? {
    do {
      try with(change: change, body)
      return nil
    } catch let failure as Failure {
      return failure.kind == .badData ? failure.what : "not bad data: \(failure)"
    } catch { return "\(error)" }
  }

  @Test("a whole file gives its model, its normalisation and its world")
  func sound() throws {
    let (normalization, seed, note) = try with { model in
      (try model.normalization(), try model.worldSeed(), try model.noteOfRawScores())
    }
    #expect(note == nil && normalization?.gain == 2 && normalization?.bias == 3 && seed == 7)
  }

  @Test("a reward model without a normalisation is one whose scores are raw, and says so")
  func raw() throws {
    try with(change: { $0.tensors.removeLast() }) { model in
      let (scale, pad, note) = (try model.normalization(), try model.padToken(), try model.noteOfRawScores())
      #expect(scale == nil && pad == nil && note?.contains("raw logits") == true)
    }
    let notes = provenance(#"{"pad_token": 5}"#)
    let pad = try with(change: { $0.provenance = notes }) { try $0.padToken() }
    #expect(pad == 5)
    let wrong = provenance(#"{"pad_token": 0.5}"#)
    let refused = refusal(change: { $0.provenance = wrong }) { _ = try $0.padToken() }
    #expect(refused == "\"notes.pad_token\" is not a token")
  }

  @Test("a missing TOKENIZER or PROVENANCE is named")
  func missingSections() {
    #expect(refusal { $0.tokenizer = [] } == "has no TOKENIZER section")
    #expect(
      refusal(change: { $0.provenance = [] }) { _ = try $0.worldSeed() } == "has no PROVENANCE section")
  }

  @Test("a file that loses a byte in use is noticed by what reads it, before an answer leaves")
  func shrunk() throws {
    func cut(_ model: Model) -> Failure {
      let bytes = model.checkpoint.fileBytes
      truncate(model.name, off_t(bytes - 1))
      return Failure(
        .inputOutput, "changed its size from \(bytes) to \(bytes - 1) bytes while in use", at: model.name,
        remedy: "Keep the file in place while it is in use.")
    }
    try with { model in
      let expected = cut(model)
      #expect(throws: expected) { _ = try model.parameters() }
    }
    try with(kind: .sft) { model in
      let answerer = try Answerer(
        model, threads: 1, precision: .float32, options: SamplingOptions())
      let expected = cut(model)
      #expect(throws: expected) {
        _ = try answerer.complete([(tokens: [100], stream: 0)], stop: StopTexts(), seed: 1)
      }
    }
  }

  @Test("a tokenizer with more tokens than the embedding is refused")
  func vocabulary() {
    let larger = Tokenizer.train(on: ["ab ab cd cd"], vocabularySize: 262)
    #expect(
      refusal { $0.tokenizer = larger.serialized }
        == "the tokenizer has 262 tokens, but the embedding has 261")
  }

  @Test(
    "a world's seed that is no whole number is refused, not converted",
    arguments: ["-1", "0.5", "1e300", "\"x\"", "null"])
  func seed(value: String) {
    let notes = provenance(#"{"world_seed": \#(value)}"#)
    #expect(
      refusal(change: { $0.provenance = notes }) { _ = try $0.worldSeed() }
        == "\"notes.world_seed\" is not a whole number")
  }

  @Test("gain and bias that are of another type or not finite are refused")
  func normalization() {
    func refused(_ change: (inout TensorSource) -> Void) -> String? {
      refusal(change: { change(&$0.tensors[$0.tensors.count - 1]) }) { _ = try $0.normalization() }
    }
    let what = "the tensor head.normalization is not two finite float32 numbers, gain and bias"
    #expect(refused { ($0.dims, $0.bytes) = ([1], UnsafeRawBufferPointer(rebasing: $0.bytes[..<4])) } == what)
    #expect(
      refused { ($0.type, $0.bytes) = (.bfloat16, UnsafeRawBufferPointer(rebasing: $0.bytes[..<4])) } == what)
    let wild: [Float] = [.infinity, 0]
    wild.withUnsafeBytes { bytes in #expect(refused { $0.bytes = bytes } == what) }
  }
}
