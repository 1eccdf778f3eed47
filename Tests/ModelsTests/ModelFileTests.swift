import Checkpoints
import Glibc
import Support
import Tensors
import Testing

@testable import Models

/// Checkpoints whose structure is sound and whose tensors are not a model's.
@Suite struct ModelFileTests {
  private static let architecture = Architecture(
    layers: 2, dModel: 8, heads: 2, dFF: 16, vocabulary: 20, context: 8, position: .rotary,
    rotaryDim: 4)

  /// Writes the tensors of a model after `change`, under its architecture after `claim`, opens them, and
  /// returns the refusal without the path.
  private func refusal(
    int8: Bool = false, kind: ModelKind = .sft, change: (inout [TensorSource]) -> Void = { _ in },
    claim: (inout Architecture) -> Void = { _ in }
  ) throws -> String? {
    let arena = Arena()
    let layout = ParameterLayout(Self.architecture, scalarHead: kind.hasScalarHead)
    let parameters = try ParameterSet(layout, name: "parameters", arena: arena)
    parameters.randomize(seed: 1)
    var tensors = parameters.sources(.policy)
    if int8 {
      let compute = try Compute(threads: 1, arena: arena, int8Rows: 8, int8Columns: 32)
      tensors = try parameters.int8Sources(
        on: Transformer(Self.architecture, rows: 64, training: false, compute: compute, arena: arena))
    }
    change(&tensors)
    var architecture = Self.architecture
    claim(&architecture)
    let path = "/tmp/tinyrlhf-model-\(getpid()).trlhf"
    defer { unlink(path) }
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture, training: TrainingRecord(kind: kind), identity: 1,
        configuration: [], tensors: tensors), to: path)
    do {
      _ = try ModelFile(Checkpoint(path: path, verify: true)).weights()
      return nil
    } catch let failure as Failure {
      #expect(failure.kind == .badData && failure.place?.hasPrefix(path) == true)
      return failure.what
    }
  }

  private func index(of name: String, in tensors: [TensorSource]) -> Int {
    tensors.firstIndex { $0.name == name }!
  }

  @Test("a model that is whole is opened, float32 or int8, with either head", arguments: [false, true])
  func sound(int8: Bool) throws {
    #expect(try refusal(int8: int8) == nil)
    #expect(try refusal(int8: int8, kind: .reward) == nil)
  }

  @Test("a file without weights has none, and says so")
  func noWeights() throws {
    #expect(try refusal { $0 = [] } == "has no WEIGHTS section of the policy")
    let head = try refusal(kind: .reward) { $0.removeAll { $0.section == .head } }
    #expect(head == "the tensor \"head.weight\" [8] is missing")
  }

  @Test("an architecture larger than the file is refused before it is laid out")
  func hugeArchitecture() throws {
    let huge: [(inout Architecture) -> Void] = [
      { $0.layers = 1 << 24 }, { $0.dModel = 1 << 24 },
      { ($0.heads, $0.kvHeads, $0.headDim, $0.dModel) = (1 << 24, 1 << 24, 128, 1 << 24) },
      { $0.vocabulary = 1 << 24 },
    ]
    for claim in huge {
      let refusal = try refusal(claim: claim)
      #expect(
        refusal == "the header needs more than the 27 tensors of 5504 bytes that are there"
          || refusal?.hasSuffix("parameters is larger than any memory") == true, "\(refusal ?? "none")")
    }
  }

  @Test("a tensor that is missing, of another shape or of another type is named")
  func missing() throws {
    let name = "layers.1.mlp.down.weight"
    #expect(
      try refusal { $0.remove(at: index(of: name, in: $0)) } == "the tensor \"\(name)\" [8, 16] is missing")
    #expect(
      try refusal { $0[index(of: name, in: $0)].dims = [16, 8] }
        == "its shape is [16, 8], but the header says [8, 16]")
    let swapped = try refusal { $0.swapAt(1, 2) }
    #expect(swapped == "it is not in its place, where \"layers.0.norm1.bias\" is", "\(swapped ?? "none")")
  }

  @Test("matrices may have 16 bits, each its own type; norms may not")
  func halves() throws {
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
    defer { zeros.deallocate() }
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    func narrow(_ tensors: inout [TensorSource], _ name: String, _ type: TensorType) {
      let at = index(of: name, in: tensors)
      tensors[at].type = type
      tensors[at].bytes = UnsafeRawBufferPointer(rebasing: zeros[..<(tensors[at].bytes.count / 2)])
    }
    #expect(
      try refusal {
        narrow(&$0, "token_embedding.weight", .float16)
        narrow(&$0, "layers.0.mlp.up.weight", .bfloat16)
      } == nil)
    #expect(
      try refusal { narrow(&$0, "final_norm.weight", .bfloat16) }
        == "its type is bfloat16, but it must be float32")
  }

  @Test("in an int8 model too, where float32 tensors could be read beyond their end")
  func missingInt8() throws {
    let gamma = "final_norm.weight"
    #expect(
      try refusal(int8: true) { $0.remove(at: index(of: gamma, in: $0)) } == "the tensor \"\(gamma)\" [8] is missing")
    let short = try refusal(int8: true) {
      let at = index(of: gamma, in: $0)
      $0[at].dims = [1]
      $0[at].bytes = UnsafeRawBufferPointer(rebasing: $0[at].bytes[..<4])
    }
    #expect(short == "its shape is [1], but the header says [8]")
    let brain = try refusal(int8: true) {
      let at = index(of: gamma, in: $0)
      $0[at].type = .bfloat16
      $0[at].bytes = UnsafeRawBufferPointer(rebasing: $0[at].bytes[..<16])
    }
    #expect(brain == "its type is bfloat16, but it must be float32")
    let codes = "layers.0.mlp.down.weight"
    #expect(
      try refusal(int8: true) { $0.remove(at: index(of: codes, in: $0)) }
        == "the tensor \"\(codes)\" [8, 16] is missing")
  }

  @Test("an unembedding beside tied embeddings contradicts the header", arguments: [false, true])
  func tied(int8: Bool) throws {
    let wanted = "has its own unembedding, but its header says that the unembedding is the token embedding"
    let what = try refusal(int8: int8) {
      var copy = $0[index(of: "token_embedding.weight", in: $0)]
      copy.name = "unembedding.weight"
      $0.removeAll { $0.name == copy.name }
      $0.append(copy)
    }
    #expect(what == wanted)
  }

  @Test("a tensor that no part of the architecture uses is named", arguments: [false, true])
  func superfluous(int8: Bool) throws {
    let what = try refusal(int8: int8) {
      var copy = $0[0]
      copy.name = "more"
      $0.append(copy)
    }
    #expect(what == "it belongs to no part of a model with this header")
  }
}
