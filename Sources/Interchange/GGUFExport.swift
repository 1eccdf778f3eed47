import Glibc
import Models
import Support
import Tensors
import Tokenizers

/// Writes a language model as a GGUF file, which llama.cpp loads.
public enum GGUFExport {
  /// How matrices are stored; vectors and tables of positions stay float32.
  public enum Precision: String, CaseIterable, Sendable {
    case float32, float16
    /// int8 in blocks of 32; float16 where a row is no multiple of that.
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

  /// - Throws: `Failure(.badData)` for a model or a tokenizer that llama.cpp does not have.
  public static func write(
    _ file: ModelFile, _ tokenizer: Tokenizer, to path: String, precision: Precision = .float32
  ) throws {
    let model = try OutgoingModel(file)
    guard model.rewardHead == nil else {
      throw Failure(
        .badData, "is a reward model, and GGUF holds language models", at: file.checkpoint.path,
        remedy: "Export it in Hugging Face's form.")
    }
    try requireKnown(model, at: file.checkpoint.path)
    var gguf = GGUFFile()
    addArchitecture(model, precision, to: &gguf)
    try GGUFTokenizer(
      tokenizer.definition, count: model.architecture.vocabulary, at: file.checkpoint.path
    ).add(to: &gguf)
    let correspondences = file.layout.trunk.flatMap {
      ggufNames($0, model.family, model.architecture)
    }
    for tensor in model.tensors(correspondences) { gguf.add(tensor, type(of: tensor, precision)) }
    if let scaling = model.architecture.ropeScaling {
      gguf.add(frequencies(scaling, model.architecture), .float32)
    }
    try gguf.write(to: path)
  }

  /// - Throws: `Failure(.cannotCreate)` where a folder has the name, which no file can take.
  public static func requireNoFolder(at path: String) throws {
    guard OutputFolder.kind(of: path) == S_IFDIR else { return }
    throw Failure(.cannotCreate, "is a folder", at: path, remedy: "Name a file with -o.")
  }

  /// What llama.cpp's architecture of the same name lacks.
  private static func requireKnown(_ model: OutgoingModel, at path: String) throws {
    let a = model.architecture
    func refuse(_ what: String) -> Failure {
      Failure(
        .badData, "\(what), which llama.cpp does not compute", at: path,
        remedy: "Export it in Hugging Face's form.")
    }
    if model.family != .llama, a.ropeScaling != nil { throw refuse("\(model.family) with a scaled rope") }
    if model.family == .qwen3, a.attentionBias { throw refuse("Qwen3 with biases") }
    if model.family == .gptNeoX, !a.attentionBias { throw refuse("GPT-NeoX without biases") }
    if model.family == .gpt2, a.mlp != .gelu { throw refuse("GPT-2 with the exact GELU") }
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
    let epsilon = a.norm == .rmsNorm ? "layer_norm_rms_epsilon" : "layer_norm_epsilon"
    gguf.add("\(name).attention.\(epsilon)", .float32(a.normEpsilon))
    if a.position == .rotary {
      gguf.add("\(name).rope.dimension_count", .uint32(a.rotaryDim))
      gguf.add("\(name).rope.freq_base", .float32(a.rotaryTheta))
    }
    if model.family == .gptNeoX {
      gguf.add("gptneox.use_parallel_residual", .bool(a.parallelResidual))
    }
  }

  private static func type(of tensor: OutgoingTensor, _ precision: Precision) -> GGUFFile.TensorType {
    guard tensor.dims.count == 2, tensor.name != "position_embd.weight" else { return .float32 }
    switch precision {
    case .float32: return .float32
    case .float16: return .float16
    case .q8: return tensor.width % 32 == 0 ? .q8 : .float16
    }
  }

  /// By what llama.cpp divides each frequency.
  private static func frequencies(_ scaling: RotaryScaling, _ a: Architecture) -> OutgoingTensor {
    let half = a.rotaryDim / 2
    let theta = DeterministicMath.log(Double(a.rotaryTheta))
    let factors = (0..<half).map { i in
      let plain = DeterministicMath.exp(-2 * Double(i) / Double(a.rotaryDim) * theta)
      return Float(plain / scaling.scaled(plain))
    }
    return OutgoingTensor(name: "rope_freqs.weight", dims: [half], rows: half, width: 1) {
      range, floats in floats.update(from: Array(factors[range]), count: range.count)
    }
  }

  /// Our tensor as those of llama.cpp.
  private static func ggufNames(
    _ ours: ParameterLayout.Tensor, _ family: Family, _ a: Architecture
  ) -> [Correspondence] {
    let dot = ours.name.lastIndex(of: ".")!
    let (module, suffix) = (String(ours.name[..<dot]), String(ours.name[dot...]))
    func parts(_ names: [String], _ rows: [Int]) -> [Correspondence.Part] {
      zip(names, rows).map { .init(name: $0 + suffix, dims: [$1] + ours.dims.dropFirst()) }
    }
    func whole(_ name: String) -> Correspondence {
      Correspondence(ours, stacked: parts([name], [ours.dims[0]]), rows: [ours.dims[0]])
    }
    guard module.hasPrefix("layers.") else {
      let names = [
        "token_embedding": "token_embd", "position_embedding": "position_embd",
        "final_norm": "output_norm", "unembedding": "output",
      ]
      let found = whole(names[module]!)
      // llama.cpp looks for GPT-NeoX's unembedding even where it is the embedding.
      let isTwice = module == "token_embedding" && a.tiedEmbeddings && family == .gptNeoX
      return isTwice ? [found, whole("output")] : [found]
    }
    let words = module.split(separator: ".", maxSplits: 2)
    let block = "blk.\(words[1])."
    switch (String(words[2]), family) {
    case ("attention.qkv", .llama), ("attention.qkv", .qwen2), ("attention.qkv", .qwen3):
      let rows = [a.queryWidth, a.keyValueWidth, a.keyValueWidth]
      let parts = parts(["q", "k", "v"].map { "\(block)attn_\($0)" }, rows)
      guard family == .llama else { return [Correspondence(ours, stacked: parts, rows: rows)] }
      return [Correspondence(ours, parts, .rows(turnedInPairs(a)))]
    case ("mlp.gate_up", _):
      return [
        Correspondence(
          ours, stacked: parts(["\(block)ffn_gate", "\(block)ffn_up"], [a.dFF, a.dFF]),
          rows: [a.dFF, a.dFF])
      ]
    case (let module, _):
      let names = [
        "norm1": "attn_norm", "norm2": "ffn_norm", "attention.qkv": "attn_qkv",
        "attention.output": "attn_output", "attention.query_norm": "attn_q_norm",
        "attention.key_norm": "attn_k_norm", "mlp.up": "ffn_up", "mlp.down": "ffn_down",
      ]
      return [whole(block + names[module]!)]
    }
  }

  /// llama.cpp's Llama turns neighbouring elements of a head together, and not one of each half.
  private static func turnedInPairs(_ a: Architecture) -> [Correspondence.Run] {
    let half = a.headDim / 2
    func turned(_ part: Int, heads: Int, first: Int) -> [Correspondence.Run] {
      (0..<heads * a.headDim).map { row in
        let (head, i) = (row / a.headDim, row % a.headDim)
        return Correspondence.Run(
          first: first + row, part: part, theirs: head * a.headDim + 2 * (i % half) + i / half, count: 1)
      }
    }
    return turned(0, heads: a.heads, first: 0) + turned(1, heads: a.kvHeads, first: a.queryWidth)
      + [.init(first: a.queryWidth + a.keyValueWidth, part: 2, theirs: 0, count: a.keyValueWidth)]
  }
}

extension Family {
  fileprivate var ggufName: String { self == .gptNeoX ? "gptneox" : modelType }
}
