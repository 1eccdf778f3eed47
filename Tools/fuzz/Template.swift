// Small sound files, made by the program's own writer.
import Checkpoints
import Compression
import Glibc
import Support
import Tokenizers

@testable import Models

enum Template {
  private static let architecture = Architecture(
    layers: 1, dModel: 4, heads: 2, kvHeads: 1, dFF: 4, vocabulary: 260, context: 8, norm: .rmsNorm,
    position: .rotary, rotaryDim: 2, mlp: .swiglu, attentionBias: false, mlpBias: false,
    normBias: false)
  private static let tokenizer = Tokenizer.train(on: ["ab"], vocabularySize: 260).serialized

  /// A language model in float32.
  static func model() throws -> [UInt8] { try file(.sft) { floats(ParameterLayout($0, scalarHead: false)) } }

  /// The same with matrices in bfloat16 and float16, by turns.
  static func halves() throws -> [UInt8] {
    try file(.sft) { architecture in
      ParameterLayout(architecture, scalarHead: false).trunk.enumerated().map { number, tensor in
        let half = number % 2 == 0 ? TensorType.bfloat16 : .float16
        return source(.weights, tensor.name, tensor.dims, tensor.canBeStored(as: half) ? half : .float32)
      }
    }
  }

  /// The same in int8.
  static func int8() throws -> [UInt8] {
    try file(.sft) { a in
      let layout = ParameterLayout(a, scalarHead: false)
      let quantized = Set(QuantizedWeights.projections(of: layout).map(\.name))
      let keyFactors = TensorSource(
        section: .weights, role: .policy, name: QuantizedWeights.keyFactorsName, dims: [a.layers, a.kvHeads, a.headDim],
        type: .float32, bytes: ones(a.layers * a.keyValueWidth))
      return layout.trunk.map { tensor in
        quantized.contains(tensor.name)
          ? packed(tensor.name, tensor.dims) : source(.weights, tensor.name, tensor.dims)
      } + [keyFactors]
    }
  }

  /// A reward model in training, with every kind of section, and a bfloat16 tensor that no model has.
  static func training() throws -> [UInt8] {
    try file(.reward) { architecture in
      let layout = ParameterLayout(architecture, scalarHead: true)
      return floats(layout) + [
        source(.head, "head.normalization", [2]), source(.moments, "m.norm", [4]),
        TensorSource(
          section: .weights, role: .average, name: "brain", dims: [3, 5], type: .bfloat16,
          bytes: zeros(30)),
      ]
    }
  }

  /// The shortest checkpoint: CONFIG alone.
  static func config() throws -> [UInt8] { try file(.sft, tokenizer: []) { _ in [] } }

  /// An archive of bytes that may be a checkpoint or not.
  static func archive(_ bytes: [UInt8], piece: Int, width: Int) throws -> [UInt8] {
    try bytes.withUnsafeBytes { source in
      let pieces = stride(from: 0, to: source.count, by: piece).map {
        ArchiveWriter.Piece(offset: $0, count: min(piece, source.count - $0), width: width)
      }
      return try ArchiveWriter.pack(source, pieces: pieces, level: 3, threads: 1)
    }
  }

  private static func file(
    _ kind: ModelKind, tokenizer: [UInt8] = tokenizer, _ tensors: (Architecture) -> [TensorSource]
  ) throws -> [UInt8] {
    let isTraining = kind == .reward
    let path = "/tmp/tinyrlhf-fuzz-\(getpid()).trlhf"
    defer { unlink(path) }
    try CheckpointWriter.write(
      CheckpointContents(
        architecture: architecture,
        training: TrainingRecord(kind: kind, isTrainingCheckpoint: isTraining, step: 1, seed: 2),
        identity: 3, configuration: Array(#"{"name":"fuzz"}"#.utf8), tokenizer: tokenizer,
        tensors: tensors(architecture), state: isTraining ? Array("{}".utf8) : nil,
        provenance: isTraining ? Array(#"{"parents":[]}"#.utf8) : []), to: path)
    return try Files.read(path)
  }

  private static func floats(_ layout: ParameterLayout) -> [TensorSource] {
    layout.trunk.map { source(.weights, $0.name, $0.dims) }
      + layout.head.map { source(.head, $0.name, $0.dims) }
  }

  private static func source(
    _ section: SectionKind, _ name: String, _ dims: [Int], _ type: TensorType = .float32
  ) -> TensorSource {
    TensorSource(
      section: section, role: .policy, name: name, dims: dims, type: type,
      bytes: zeros(type.element!.bytes * dims.reduce(1, *)))
  }

  /// Zero codes, whose sums are zero; all scales and factors are 1.
  private static func packed(_ name: String, _ dims: [Int]) -> TensorSource {
    TensorSource(section: .weights, role: .policy, name: name, dims: dims, type: .int8) { put in
      try put(zeros((dims[0] + 15) / 16 * ((dims[1] + 3) / 4) * 64))
      for part in [ones(dims[0]), zeros(4 * dims[0]), ones(dims[1])] { try put(part) }
    }
  }

  /// Never freed, as `zeros`.
  private static func ones(_ count: Int) -> UnsafeRawBufferPointer {
    let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
    memory.initialize(repeating: 1)
    return UnsafeRawBufferPointer(memory)
  }

  /// Never freed: a template lives as long as the program.
  private static func zeros(_ count: Int) -> UnsafeRawBufferPointer {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    return UnsafeRawBufferPointer(memory)
  }
}
