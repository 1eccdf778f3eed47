import Checkpoints
import Glibc
import Models
import Support
import Tensors
import Tokenizers

/// Writes a language model as a GGUF file that llama.cpp can load.
public enum GGUFExport {
  /// The type of matrices; vectors and tables of positions are always float32.
  public enum Precision: String, CaseIterable, Sendable {
    case float32, float16
    /// int8 in blocks of 32; float16 if the row length is not a multiple of 32.
    case q8 = "q8_0"

    /// `general.file_type`
    fileprivate var fileType: Int {
      switch self {
      case .float32: 0
      case .float16: 1
      case .q8: 7
      }
    }
  }

  /// - Throws: `Failure(.badData)` for a model or a tokenizer that llama.cpp does not support.
  public static func write(
    _ file: ModelFile, _ tokenizer: Tokenizer, to path: String, precision: Precision = .float32
  ) throws {
    let model = try OutgoingModel(file)
    guard model.rewardHead == nil else {
      throw Failure(
        .badData, "is a reward model, but GGUF files are for language models", at: file.checkpoint.path,
        remedy: "Export it in Hugging Face's form.")
    }
    try requireKnown(model, at: file.checkpoint.path)
    var gguf = GGUFFile()
    addArchitecture(model, precision, to: &gguf)
    try GGUFTokenizer(
      tokenizer.definition, count: model.architecture.vocabulary, at: file.checkpoint.path
    ).add(to: &gguf)
    let a = model.architecture
    var correspondences = model.family.ggufTensors.correspondences(file.layout, positions: a.context)
    if model.family.repeatsTiedUnembedding, a.tiedEmbeddings {
      let embedding = correspondences[0].ours
      let part = NamedShape(name: TensorNames.gguf.unembedding, dims: embedding.dims)
      correspondences.insert(Correspondence(embedding, stacked: [part], rows: [embedding.dims[0]]), at: 1)
    }
    for tensor in model.tensors(correspondences) { gguf.add(tensor, type(of: tensor, precision)) }
    if let scaling = a.ropeScaling { gguf.add(frequencies(scaling, a), .float32) }
    try gguf.write(to: path)
  }

  /// - Throws: `Failure(.cannotCreate)` if the path is a folder, which a file cannot replace.
  public static func requireNoFolder(at path: String) throws {
    guard OutputFolder.kind(of: path) == S_IFDIR else { return }
    throw Failure(.cannotCreate, "is a folder", at: path, remedy: "Name a file with -o.")
  }

  /// Refuses features that llama.cpp's architecture of the same name does not support.
  private static func requireKnown(_ model: OutgoingModel, at path: String) throws {
    let a = model.architecture
    func refuse(_ what: String) -> Failure {
      Failure(
        .badData, "llama.cpp does not support \(what)", at: path,
        remedy: "Export it in Hugging Face's form.")
    }
    if let problem = model.family.ggufRefusal(a) { throw refuse(problem) }
  }

  private static func addArchitecture(
    _ model: OutgoingModel, _ precision: Precision, to gguf: inout GGUFFile
  ) {
    let a = model.architecture
    let name = model.family.ggufName
    gguf.add("general.architecture", name)
    gguf.add("general.name", "tinyrlhf \(model.file.checkpoint.training.kind)")
    gguf.add("general.file_type", .uint32(precision.fileType))
    gguf.add("general.quantization_version", .uint32(2))
    gguf.add("\(name).vocab_size", .uint32(a.vocabulary))
    gguf.add("\(name).context_length", .uint32(a.context))
    gguf.add("\(name).embedding_length", .uint32(a.dModel))
    gguf.add("\(name).block_count", .uint32(a.layers))
    gguf.add("\(name).feed_forward_length", .uint32(a.dFF))
    gguf.add("\(name).attention.head_count", .uint32(a.heads))
    gguf.add("\(name).attention.head_count_kv", .uint32(a.kvHeads))
    gguf.add("\(name).attention.key_length", .uint32(a.headDim))
    gguf.add("\(name).attention.value_length", .uint32(a.headDim))
    if a.position == .rotary {
      gguf.add("\(name).rope.dimension_count", .uint32(a.rotaryDim))
      gguf.add("\(name).rope.freq_base", .float32(a.rotaryTheta))
    }
    model.family.writeGGUF(a, name, &gguf)
  }

  private static func type(of tensor: TensorSource, _ precision: Precision) -> GGUFTensorType {
    guard tensor.dims.count == 2, tensor.name != "position_embd.weight" else { return .float32 }
    switch precision {
    case .float32: return .float32
    case .float16: return .float16
    case .q8: return tensor.dims[1] % 32 == 0 ? .q8_0 : .float16
    }
  }

  private static func frequencies(_ scaling: RotaryScaling, _ a: Architecture) -> TensorSource {
    let factors = GGUFRope.factors(of: scaling, a)
    return TensorSource(name: GGUFRope.tensor, dims: [factors.count], width: 1) {
      range, floats in floats.update(from: Array(factors[range]), count: range.count)
    }
  }
}
