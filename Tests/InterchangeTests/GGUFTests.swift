import Support
import TestSupport
import Testing

@testable import Interchange
@testable import Models
@testable import Tokenizers

/// A GGUF file as this test reads it: independent of the writer.
private struct GGUFReader {
  enum Value: Equatable {
    case number(Double)
    case bool(Bool)
    case text(String)
    case list([Value])

    var texts: [String] {
      guard case .list(let list) = self else { return [] }
      return list.map { if case .text(let text) = $0 { text } else { "" } }
    }
  }

  struct Tensor {
    let dims: [Int]
    let type: Int
    let bytes: ArraySlice<UInt8>
  }

  private let file: [UInt8]
  private var at = 0
  private(set) var metadata: [String: Value] = [:]
  private(set) var tensors: [String: Tensor] = [:]

  init(_ path: String) throws {
    file = try Files.read(path)
    #expect(Array(file[..<4]) == Array("GGUF".utf8))
    at = 4
    #expect(number(4) == 3)
    let (tensorCount, count) = (number(8), number(8))
    for _ in 0..<count {
      let key = text()
      metadata[key] = value(of: number(4))
    }
    var records: [(name: String, dims: [Int], type: Int, offset: Int)] = []
    for _ in 0..<tensorCount {
      let name = text()
      let dims = (0..<number(4)).map { _ in number(8) }
      records.append((name, dims.reversed(), number(4), number(8)))
    }
    let start = (at + 31) / 32 * 32
    for record in records {
      #expect(record.offset % 32 == 0, "\(record.name)")
      let count = record.dims.reduce(1, *)
      let bytes = [0: 4 * count, 1: 2 * count, 8: count / 32 * 34][record.type]!
      let first = start + record.offset
      try #require(first + bytes <= file.count, "\(record.name)")
      tensors[record.name] = Tensor(
        dims: record.dims, type: record.type, bytes: file[first..<first + bytes])
    }
  }

  private mutating func number(_ width: Int) -> Int {
    defer { at += width }
    return (0..<width).reduce(0) { $0 | Int(file[at + $1]) << (8 * $1) }
  }

  private mutating func text() -> String {
    let count = number(8)
    defer { at += count }
    return String(decoding: file[at..<at + count], as: UTF8.self)
  }

  private mutating func value(of type: Int) -> Value {
    switch type {
    case 4: return .number(Double(number(4)))
    case 5: return .number(Double(Int32(truncatingIfNeeded: number(4))))
    case 6: return .number(Double(Float(bitPattern: UInt32(number(4)))))
    case 7: return .bool(number(1) == 1)
    case 8: return .text(text())
    case 9:
      let (element, count) = (number(4), number(8))
      return .list((0..<count).map { _ in value(of: element) })
    default: preconditionFailure("a value of type \(type)")
    }
  }

  /// As float32.
  func floats(_ name: String) throws -> [Float] {
    let tensor = try #require(tensors[name], "\(name)")
    let bytes = Array(tensor.bytes)
    func half(_ at: Int) -> Float {
      Float(Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8))
    }
    switch tensor.type {
    case 0:
      return stride(from: 0, to: bytes.count, by: 4).map { first in
        Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[first + $1]) << (8 * $1) })
      }
    case 1: return stride(from: 0, to: bytes.count, by: 2).map(half)
    default:
      return stride(from: 0, to: bytes.count, by: 34).flatMap { block in
        (0..<32).map { half(block) * Float(Int8(bitPattern: bytes[block + 2 + $0])) }
      }
    }
  }
}

@Suite struct GGUFTests {
  private func export(
    _ name: String, _ precision: GGUFExport.Precision = .float32
  ) throws -> (imported: Imported, file: GGUFReader) {
    let golden = try Golden(name)
    let imported = try Imported(golden.path)
    let path = imported.folder.file("model.gguf")
    // Somebody else's, of a name that once was ours.
    try Files.writeAtomically([1], to: imported.folder.file("model.gguf.parts"))
    try GGUFExport.write(imported.file, golden.tokenizer(), to: path, precision: precision)
    #expect(
      try Files.names(in: imported.folder.path) == ["model.gguf", "model.gguf.parts", "model.trlhf"])
    return (imported, try GGUFReader(path))
  }

  private func ours(_ imported: Imported, _ name: String) throws -> (values: [Float], width: Int) {
    let layout = imported.file.layout
    let tensor = try #require(layout.trunk.first { $0.name == name })
    let base = try #require(try imported.file.parameters().stored(name)?.floats)
    return (Array(UnsafeBufferPointer(start: base, count: tensor.count)), tensor.dims.last!)
  }

  @Test("Qwen3's tensors are ours under their names, and the metadata is the architecture")
  func qwen3() throws {
    let (imported, file) = try export("qwen3")
    let (qkv, width) = try ours(imported, "layers.1.attention.qkv.weight")
    let split = try ["q", "k", "v"].flatMap { try file.floats("blk.1.attn_\($0).weight") }
    #expect(split == qkv && width == 36)
    #expect(try file.floats("token_embd.weight") == ours(imported, "token_embedding.weight").values)
    #expect(
      try file.floats("blk.0.attn_k_norm.weight") == ours(imported, "layers.0.attention.key_norm.weight").values)
    #expect(file.tensors["output.weight"] == nil)
    #expect(file.metadata["general.architecture"] == .text("qwen3"))
    let counts = [
      "block_count": 2, "embedding_length": 36, "attention.head_count": 4, "attention.head_count_kv": 2,
      "attention.key_length": 14, "feed_forward_length": 45, "context_length": 48,
      "rope.freq_base": 10_000, "rope.dimension_count": 14,
    ]
    for (key, count) in counts { #expect(file.metadata["qwen3.\(key)"] == .number(Double(count)), "\(key)") }
    #expect(file.metadata["tokenizer.ggml.pre"] == .text("qwen2"))
    let tokens = try #require(file.metadata["tokenizer.ggml.tokens"]).texts
    #expect(tokens.count == imported.model.architecture.vocabulary && tokens.suffix(1) == ["<|im_end|>"])
    #expect(try #require(file.metadata["tokenizer.ggml.merges"]).texts.first?.contains(" ") == true)
  }

  @Test("Llama's queries and keys are turned in pairs, and its scaled frequencies written out")
  func llama() throws {
    let (imported, file) = try export("llama-rope")
    let (qkv, width) = try ours(imported, "layers.0.attention.qkv.weight")
    let (headDim, half) = (6, 3)
    let q = try file.floats("blk.0.attn_q.weight")
    let k = try file.floats("blk.0.attn_k.weight")
    for row in 0..<36 {
      let theirs = row / headDim * headDim + 2 * (row % headDim % half) + row % headDim / half
      let expected = Array(qkv[row * width..<(row + 1) * width])
      #expect(Array(q[theirs * width..<(theirs + 1) * width]) == expected, "query \(row)")
      guard row < 12 else { continue }
      let key = Array(qkv[(36 + row) * width..<(37 + row) * width])
      #expect(Array(k[theirs * width..<(theirs + 1) * width]) == key, "key \(row)")
    }
    #expect(try file.floats("blk.0.attn_v.weight") == Array(qkv[(48 * width)...]))
    // By the rule of llama.cpp's converter: θ = 500, factor 8, low 1, high 4, 16 tokens.
    let expected = [0.0, 1, 2].map { i -> Double in
      let frequency = DeterministicMath.exp(-2 * i / 6 * DeterministicMath.log(500))
      let turns = 16 * frequency / (2 * Double.pi)
      if turns > 4 { return 1 }
      if turns < 1 { return 8 }
      let smooth = (turns - 1) / 3
      return 1 / ((1 - smooth) / 8 + smooth)
    }
    let found = try file.floats("rope_freqs.weight")
    #expect(zip(found, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 }, "\(found), not \(expected)")
    #expect(file.metadata["tokenizer.ggml.pre"] == .text("smaug-bpe"))
  }

  @Test("GPT-2's and GPT-NeoX's fused projections stay as ours are")
  func fused() throws {
    for (name, pre) in [("gpt2", "gpt-2"), ("neox-sequential", "olmo")] {
      let (imported, file) = try export(name)
      #expect(
        try file.floats("blk.1.attn_qkv.weight") == ours(imported, "layers.1.attention.qkv.weight").values)
      #expect(try file.floats("blk.1.ffn_up.bias") == ours(imported, "layers.1.mlp.up.bias").values)
      #expect(file.metadata["tokenizer.ggml.pre"] == .text(pre))
    }
    let neox = try export("neox-sequential").file
    #expect(neox.metadata["gptneox.use_parallel_residual"] == .bool(false))
    #expect(neox.tensors["output.weight"] != nil)
  }

  /// No row of the goldens has a multiple of 32.
  private static let wide = Architecture(
    layers: 1, dModel: 64, heads: 2, kvHeads: 1, dFF: 36, vocabulary: 279, context: 16, norm: .rmsNorm,
    position: .rotary, rotaryDim: 32, mlp: .swiglu, attentionBias: false, mlpBias: false, normBias: false)

  @Test("float16 and Q8_0 keep vectors and positions, and are off by no more than half a step")
  func precisions() throws {
    let half = try export("gpt2", .float16)
    #expect(half.file.tensors["position_embd.weight"]?.type == 0 && half.file.tensors["output_norm.bias"]?.type == 0)
    let wanted = try ours(half.imported, "layers.0.mlp.up.weight").values
    #expect(half.file.tensors["blk.0.ffn_up.weight"]?.type == 1)
    for (a, b) in zip(try half.file.floats("blk.0.ffn_up.weight"), wanted) { #expect(a == Float(Float16(b))) }
    let folder = TemporaryFolder()
    let path = folder.file("wide.gguf")
    let model = try RandomModel(Self.wide, in: folder)
    try GGUFExport.write(
      model.file, Golden("llama-rope").tokenizer(vocabulary: 279), to: path, precision: .q8)
    let file = try GGUFReader(path)
    #expect(file.tensors["blk.0.ffn_down.weight"]?.type == 1)
    #expect(file.tensors["token_embd.weight"]?.type == 8)
    let values = try #require(try model.file.parameters().stored("token_embedding.weight")?.floats)
    for (i, value) in try file.floats("token_embd.weight").enumerated() {
      let first = i / 32 * 32
      let largest = (first..<first + 32).reduce(Float(0)) { max($0, values[$1].magnitude) }
      // Half a step, and what float16 rounds off the scale.
      #expect(abs(value - values[i]) <= largest / 127 * 0.5 + largest * 0.0006, "\(i)")
    }
  }

  @Test("what llama.cpp does not have is refused by name")
  func refusals() throws {
    let reward = try Imported(Golden(Golden.rewardModel).path)
    let tokenizer = try Golden("gpt2").tokenizer()
    func refusal(_ imported: Imported) -> String? {
      error { try GGUFExport.write(imported.file, tokenizer, to: imported.folder.file("x.gguf")) }
    }
    #expect(refusal(reward)?.contains("is a reward model, but GGUF files are for language models") == true)
    let exact = try Imported(Golden("gpt2-bare").path)
    #expect(refusal(exact)?.contains("llama.cpp does not support GPT-2 with the exact GELU") == true)
    #expect(try Files.names(in: exact.folder.path) == ["model.trlhf"])
  }

  /// The metadata of a tokenizer alone.
  private func metadata(_ definition: TokenizerDefinition) throws -> [String: GGUFReader.Value] {
    let folder = TemporaryFolder()
    var gguf = GGUFFile()
    try GGUFTokenizer(definition, count: definition.vocabularyCount, at: "here").add(to: &gguf)
    try gguf.write(to: folder.file("tokenizer.gguf"))
    return try GGUFReader(folder.file("tokenizer.gguf")).metadata
  }

  /// Of characters; both é of Unicode are tokens, and no merge makes "ab".
  private func characters() throws -> TokenizerDefinition {
    let names = ["<unk>", "</s>", "\u{E9}", "e", "\u{301}", "e\u{301}", "a", "b", "ab"]
    let tokens = names.enumerated().map { id, name in
      TokenizerDefinition.Token(
        id: Int32(id), bytes: Array(name.utf8), traits: id < 2 ? [.model, .added, .special] : .model)
    }
    var definition = TokenizerDefinition(
      splitting: .none, normalization: .metaspaceNever, vocabularyCount: names.count, tokens: tokens,
      merges: [.init(left: 3, right: 4, result: 5)],
      chatFormat: ChatFormat(
        name: "plain",
        template: try ChatTemplate(
          [.init(name: "default", text: #require(ChatFormat.template(named: "plain")))], origin: .named,
          specialTokens: ["eos_token": "</s>"], date: ChatChoice.test().date, at: "here"),
        endTokens: [1], answerPrefix: "", documentBegin: [1], documentEnd: [1]))
    definition.fallsBackToBytes = true
    definition.unknown = 0
    return definition
  }

  @Test("tokens that Unicode takes for equal are two, and what no merge makes is merged last")
  func ofCharacters() throws {
    let metadata = try metadata(characters())
    let tokens = try #require(metadata["tokenizer.ggml.tokens"]).texts
    #expect(Array(tokens[2].utf8) == [0xC3, 0xA9] && Array(tokens[5].utf8) == [0x65, 0xCC, 0x81])
    let rest = [-2.0, -2, -2, -2, -2, -1, -2, -2, -2]
    #expect(metadata["tokenizer.ggml.scores"] == .list(rest.map { .number($0) }))
    let kinds = [2.0, 3, 1, 1, 1, 1, 1, 1, 1]
    #expect(metadata["tokenizer.ggml.token_type"] == .list(kinds.map { .number($0) }))
    #expect(metadata["tokenizer.ggml.add_space_prefix"] == .bool(false))
    // What ends texts does not begin them.
    #expect(metadata["tokenizer.ggml.bos_token_id"] == nil)
    #expect(metadata["tokenizer.ggml.eos_token_id"] == .number(1))
    #expect(metadata["tokenizer.ggml.add_bos_token"] == .bool(false))
    var definition = try characters()
    definition.normalization = .prepend
    definition.chatFormat.documentBegin = [0]
    let begun = try self.metadata(definition)
    #expect(begun["tokenizer.ggml.add_space_prefix"] == .bool(true))
    #expect(begun["tokenizer.ggml.bos_token_id"] == .number(0))
    #expect(begun["tokenizer.ggml.add_bos_token"] == .bool(true))
  }

  @Test("the metadata has the templates by their names, and the settings' special tokens")
  func chat() throws {
    var definition = try characters()
    for (name, id) in [("<s>", 9 as Int32), ("<eot>", 10), ("<pad>", 11), ("<u>", 12)] {
      definition.tokens.append(.init(id: id, bytes: Array(name.utf8), traits: [.added, .special]))
    }
    definition.vocabularyCount = 13
    definition.unknown = nil
    definition.fallsBackToBytes = true
    let text = "{{ messages }}\r\né"
    definition.chatFormat = ChatFormat(
      name: "template",
      template: try ChatTemplate(
        [.init(name: "rag", text: "r"), .init(name: "default", text: text), .init(name: "tool_use", text: "t")],
        origin: .configurationList,
        specialTokens: [
          "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<u>", "sep_token": "<none>",
        ], date: ChatChoice.test().date, at: "here"),
      endTokens: [10, 1], answerPrefix: "", documentBegin: [9], documentEnd: [1])
    let metadata = try metadata(definition)
    #expect(metadata["tokenizer.chat_template"] == .text(text))
    #expect(metadata["tokenizer.chat_templates"] == .list([.text("rag"), .text("tool_use")]))
    #expect(metadata["tokenizer.chat_template.rag"] == .text("r"))
    #expect(metadata["tokenizer.chat_template.tool_use"] == .text("t"))
    for (key, id) in [("bos", 9.0), ("eos", 1), ("eot", 10), ("padding", 11), ("unknown", 12)] {
      #expect(metadata["tokenizer.ggml.\(key)_token_id"] == .number(id), "\(key)")
    }
    #expect(metadata["tokenizer.ggml.add_bos_token"] == .bool(true))
    // One template has no list of names, and an end that is the settings' is no second one.
    definition.chatFormat.form = .template(
      try ChatTemplate(
        [.init(name: "default", text: "x")], origin: .files, specialTokens: ["eos_token": "<eot>"],
        date: ChatChoice.test().date, at: "here"))
    definition.chatFormat.documentBegin = [1]
    let other = try self.metadata(definition)
    #expect(other["tokenizer.chat_template"] == .text("x") && other["tokenizer.chat_templates"] == nil)
    #expect(other["tokenizer.ggml.eos_token_id"] == .number(10) && other["tokenizer.ggml.eot_token_id"] == nil)
    #expect(other["tokenizer.ggml.bos_token_id"] == nil && other["tokenizer.ggml.padding_token_id"] == nil)
  }

  @Test("a tokenizer by which llama.cpp would give other tokens is refused by name")
  func tokenizers() throws {
    func refusal(_ definition: TokenizerDefinition, _ change: (inout TokenizerDefinition) -> Void) -> String? {
      var definition = definition
      change(&definition)
      return error { _ = try GGUFTokenizer(definition, count: 279, at: "model.trlhf") }
    }
    let remedy = "Export the model in Hugging Face's form."
    let llama = try Golden("llama-rope").tokenizer().definition
    #expect(refusal(llama) { _ in } == nil)
    #expect(
      refusal(llama) { $0.splitting = .tinyrlhf }
        == "model.trlhf: llama.cpp does not support the pre-tokenizer of this program's own tokenizers. \(remedy)")
    for trait in [TokenizerDefinition.Traits.stripsLeft, .stripsRight, .singleWord] {
      #expect(
        refusal(llama) { $0.tokens[276].traits.insert(trait) }
          == "model.trlhf: llama.cpp does not support lstrip, rstrip and single_word of the added token "
          + "\"<|begin_of_text|>\". \(remedy)")
    }
    #expect(
      refusal(llama) {
        ($0.splitting, $0.ignoresMerges) = (.gpt2, true)
        $0.merges.removeLast()
      }?.contains("llama.cpp would apply merges, which changes the encoding of the token") == true)
    for (ignoresMerges, name) in [(true, "llama-bpe"), (false, "smaug-bpe")] {
      var definition = llama
      definition.ignoresMerges = ignoresMerges
      definition.merges.removeLast()
      #expect(try metadata(definition)["tokenizer.ggml.pre"] == .text(name))
    }
    let characters = try characters()
    #expect(refusal(characters) { _ in } == nil)
    #expect(
      refusal(characters) {
        $0.normalization = .metaspaceFirst
        $0.tokens[8].traits = [.model, .added]
      } == "model.trlhf: llama.cpp would put a space after the added token \"ab\". \(remedy)")
    #expect(
      refusal(characters) { $0.fallsBackToBytes = false }?.contains("would fall back to bytes") == true)
    #expect(
      refusal(characters) { $0.tokens[8].id = 999 }
        == "model.trlhf: the token \"ab\" has the id 999, but the embedding has 279 rows. "
        + "Export the model that this tokenizer belongs to.")
  }

  @Test("a value whose block's scale float16 does not hold is refused")
  func largeValues() throws {
    let folder = TemporaryFolder()
    let model = try RandomModel(Self.wide, in: folder)
    let tokenizer = try Golden("llama-rope").tokenizer(vocabulary: 279)
    let weights = try #require(try model.file.parameters().stored("token_embedding.weight")?.floats)
    func export() throws -> [Float] {
      try GGUFExport.write(model.file, tokenizer, to: folder.file("large.gguf"), precision: .q8)
      return try GGUFReader(folder.file("large.gguf")).floats("token_embd.weight")
    }
    UnsafeMutablePointer(mutating: weights)[0] = 127 * 65_504
    #expect(try export()[0] == 127 * 65_504)
    UnsafeMutablePointer(mutating: weights)[0] = 127 * 65_520
    #expect(error { _ = try export() }?.contains("cannot be stored in this type") == true)
  }
}
