// The reader of GGUF files: header, metadata, tokenizer, architecture and every value.
import Jinja
import Support

@testable import Checkpoints
@testable import Interchange
@testable import Tokenizers

/// An input is one byte, which chooses a sound file and how it is changed, and a list of edits. Bits 0 to 2: a Llama
/// with a vocabulary of SentencePiece, or with blocks of 256 and one of bytes, a GPT-2, a GPT-NeoX, a Qwen3, a Gemma 3,
/// or nothing: the rest is a file as it is. Bit 3: edits of its parts, which keep the rest in place; else edits of its bytes.
final class GGUFTarget: Target {
  /// Values that mean something to the reader.
  private static let values: [RawGGUF.Value] = [
    .uint32(0), .uint32(1), .uint32(2), .uint32(0xFFFF_FFFF), .uint64(.max), .uint64(1 << 32), .float32(0), .float32(1),
    .float32(.nan), .float32(.infinity), .float32(1e-5), .bool(0), .bool(1), .bool(2), .text(""), .text("llama"),
    .text("gpt2"), .text("gptneox"), .text("qwen2"), .text("qwen3"), .text("llama-bpe"), .text("smollm"), .text("none"),
    .text("{{ messages[0].content }}"), .texts([]), .texts(["a b", "b a"]), .int32s([]), .int32s([1, 1]), .float32s([-1]),
    .raw(9, [9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]), .raw(13, []), .text("gemma2"), .text("gemma3"), .text("olmo2"),
    .text("phi3"), .text("granite"), .text("smollm3"), .float32(-1), .text("smaug-bpe"),
  ]
  private static let keys = [
    "general.alignment", "general.architecture", "general.type", "split.count", "x.attention.sliding_window",
    "x.rope.scaling.type", "x.rope.scaling.factor", "x.attention.key_length", "x.vocab_size", "x.block_count",
    "tokenizer.ggml.pre", "tokenizer.ggml.model", "tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id",
    "tokenizer.ggml.eos_token_id", "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.scores", "tokenizer.chat_template",
    "tokenizer.chat_template.x", "tokenizer.ggml.merges", "tokenizer.ggml.token_type", "tokenizer.ggml.tokens",
    "x.attention.sliding_window_pattern", "x.rope.freq_base_swa", "x.attn_logit_softcapping", "x.final_logit_softcapping",
    "x.embedding_scale", "x.residual_scale", "x.logit_scale", "x.attention.scale", "x.rope.dimension_count",
  ]
  private static let types: [UInt32] = [0, 1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 30, 20]

  private let files: [RawGGUF]
  private let canvases: [Canvas]

  static func seeds() -> [[UInt8]] {
    var seeds: [[UInt8]] = [[7] + Array("GGUF".utf8) + [3, 0, 0, 0]]
    for file in UInt8(0)..<6 {
      seeds += [[file], [file | 8]]
      for key in keys.indices {
        for value in values.indices where (key + value) % 6 == Int(file) { seeds.append([8 | file, 0, UInt8(key), UInt8(value)]) }
      }
      for kind in 1..<6 as Range<UInt8> {
        for index in UInt8(0)..<14 { seeds.append([8 | file, kind, index, index, 1]) }
      }
      for place in stride(from: 0, to: 2400, by: 61) {
        seeds.append([file, UInt8(place & 255), UInt8(place >> 8), UInt8(place & 15), 255, 255, 255, 255])
      }
    }
    return seeds
  }

  init() throws {
    files = [RawGGUF.llama, Self.blocks(), Self.gpt2(), Self.neox(), Self.qwen3(), Self.gemma3()]
    canvases = files.map { Canvas($0.bytes()) }
    for file in files { try file.bytes().withUnsafeBytes(read) }
  }

  private static func tensor(_ name: String, _ type: UInt32, _ dims: UInt64...) -> RawGGUF.Tensor {
    let stored = GGUFTensorType(rawValue: type)!
    let count = stored.bytes(Int(dims.reduce(1, *)))
    // No exponent of all ones, wherever a scale is.
    return .init(name: name, dims: dims, type: type, data: (0..<count).map { UInt8(truncatingIfNeeded: 37 * $0) & 0x3B })
  }

  /// Few bytes, two merges, an end and a tool.
  private static func vocabulary(_ pre: String) -> [(String, RawGGUF.Value)] {
    let tokens = ["a", "b", "c", "Ġ", "ab", "Ġa", "<|end|>", "<tool>", "[PAD8]", "1"]
    return [
      ("tokenizer.ggml.model", .text("gpt2")), ("tokenizer.ggml.pre", .text(pre)),
      ("tokenizer.ggml.tokens", .texts(tokens)), ("tokenizer.ggml.merges", .texts(["a b", "Ġ a"])),
      ("tokenizer.ggml.token_type", .int32s([1, 1, 1, 1, 1, 1, 3, 4, 5, 1])),
      ("tokenizer.ggml.eos_token_id", .uint32(6)),
      ("tokenizer.chat_template", .text("{% for m in messages %}{{ m.role }}: {{ m.content }}<|end|>{% endfor %}")),
    ]
  }

  private static func numbers(_ name: String, width: Int, heads: Int, feedForward: Int) -> [(String, RawGGUF.Value)] {
    let epsilon = ["gpt2", "gptneox"].contains(name) ? "layer_norm_epsilon" : "layer_norm_rms_epsilon"
    return [
      ("general.architecture", .text(name)), ("\(name).block_count", .uint32(1)), ("\(name).context_length", .uint32(8)),
      ("\(name).embedding_length", .uint32(width)), ("\(name).feed_forward_length", .uint32(feedForward)),
      ("\(name).attention.head_count", .uint32(heads)), ("\(name).attention.\(epsilon)", .float32(1e-5)),
    ]
  }

  private static let norms = ["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"]

  private static func biased(_ matrices: [(String, UInt32, UInt64, UInt64)], width: UInt64) -> [RawGGUF.Tensor] {
    norms.flatMap { [tensor("\($0).weight", 0, width), tensor("\($0).bias", 0, width)] }
      + matrices.flatMap { name, type, columns, rows in
        [tensor("blk.0.\(name).weight", type, columns, rows), tensor("blk.0.\(name).bias", 0, rows)]
      }
  }

  private static func gated(_ matrices: [(String, UInt32, UInt64, UInt64)], width: UInt64) -> [RawGGUF.Tensor] {
    norms.map { tensor("\($0).weight", 0, width) }
      + matrices.map { tensor("blk.0.\($0.0).weight", $0.1, $0.2, $0.3) }
  }

  private static func blocks() -> RawGGUF {
    var file = RawGGUF()
    file.keys = numbers("llama", width: 256, heads: 2, feedForward: 2) + vocabulary("llama-bpe")
      + [("llama.attention.key_length", .uint32(4)), ("llama.attention.head_count_kv", .uint32(1))]
    file.tensors = [tensor("token_embd.weight", 10, 256, 10), tensor("output.weight", 30, 256, 10)]
      + [tensor("rope_freqs.weight", 0, 2)]
      + gated(
        [
          ("attn_q", 11, 256, 8), ("attn_k", 12, 256, 4), ("attn_v", 13, 256, 4), ("attn_output", 1, 8, 256),
          ("ffn_gate", 14, 256, 2), ("ffn_up", 8, 256, 2), ("ffn_down", 0, 2, 256),
        ], width: 256)
    file.tensors[2].data = RawGGUF.floats([1, 1])
    return file
  }

  private static func gpt2() -> RawGGUF {
    var file = RawGGUF()
    file.keys = numbers("gpt2", width: 32, heads: 2, feedForward: 32) + vocabulary("gpt-2")
    file.tensors = [tensor("token_embd.weight", 8, 32, 10), tensor("position_embd.weight", 1, 32, 8)]
      + biased(
        [("attn_qkv", 2, 32, 96), ("attn_output", 3, 32, 32), ("ffn_up", 6, 32, 32), ("ffn_down", 7, 32, 32)], width: 32)
    return file
  }

  private static func neox() -> RawGGUF {
    var file = RawGGUF()
    file.keys = numbers("gptneox", width: 8, heads: 2, feedForward: 6) + vocabulary("olmo")
      + [("gptneox.rope.dimension_count", .uint32(2))]
    file.tensors = [tensor("token_embd.weight", 1, 8, 10), tensor("output.weight", 1, 8, 10)]
      + biased([("attn_qkv", 0, 8, 24), ("attn_output", 30, 8, 8), ("ffn_up", 1, 8, 6), ("ffn_down", 0, 6, 8)], width: 8)
    return file
  }

  private static func qwen3() -> RawGGUF {
    var file = RawGGUF()
    file.keys = numbers("qwen3", width: 8, heads: 2, feedForward: 6) + vocabulary("qwen2")
    file.tensors = [tensor("token_embd.weight", 0, 8, 10)]
      + [tensor("blk.0.attn_q_norm.weight", 0, 4), tensor("blk.0.attn_k_norm.weight", 0, 4)]
      + gated(
        [
          ("attn_q", 0, 8, 8), ("attn_k", 0, 8, 8), ("attn_v", 0, 8, 8), ("attn_output", 0, 8, 8), ("ffn_gate", 0, 8, 6),
          ("ffn_up", 0, 8, 6), ("ffn_down", 0, 6, 8),
        ], width: 8)
    return file
  }

  private static func gemma3() -> RawGGUF {
    var file = qwen3()
    file.keys = numbers("gemma3", width: 8, heads: 2, feedForward: 6) + vocabulary("dbrx")
      + [
        ("gemma3.attention.key_length", .uint32(4)), ("gemma3.attention.sliding_window", .uint32(3)),
        ("gemma3.rope.freq_base_swa", .float32(100)),
      ]
    file.tensors += ["post_attention_norm", "post_ffw_norm"].map { tensor("blk.0.\($0).weight", 0, 8) }
    return file
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let mode = Int(input.u8())
    guard mode & 7 < files.count else { return try read(input.rest) }
    guard mode & 8 == 0 else {
      var file = files[mode & 7]
      while !input.isEmpty { edit(&file, &input) }
      return try file.bytes().withUnsafeBytes(read)
    }
    let canvas = canvases[mode & 7]
    defer { canvas.restore() }
    let span = files[mode & 7].head.count
    while !input.isEmpty { canvas.edit(&input, base: 0, span: span) }
    try read(canvas.bytes)
  }

  private func edit(_ file: inout RawGGUF, _ input: inout Bytes) {
    let kind = input.u8()
    let index = Int(input.u8())
    switch kind % 6 {
    case 0:
      let key = Self.keys[index % Self.keys.count]
      var name = "x"
      if case .text(let text) = file["general.architecture"] { name = text }
      file[key.hasPrefix("x.") ? name + key.dropFirst() : key] = Self.values[Int(input.u8()) % Self.values.count]
    case 1: if !file.keys.isEmpty { file.keys.remove(at: index % file.keys.count) }
    case 2: if !file.tensors.isEmpty { file.tensors.remove(at: index % file.tensors.count) }
    case 3:
      guard !file.tensors.isEmpty else { return }
      file.tensors[index % file.tensors.count].type = Self.types[Int(input.u8()) % Self.types.count]
    case 4:
      guard !file.tensors.isEmpty else { return }
      file.tensors[index % file.tensors.count].dims = (0..<Int(input.u8() & 3)).map { _ in UInt64(input.u8()) }
    default:
      let key = file.keys.indices.contains(index) ? file.keys[index] : (key: "y", value: .uint32(index))
      file.keys.append(key)
    }
  }

  /// A model from these bytes, every value of it, and what its tokenizer makes of a text.
  private func read(_ file: UnsafeRawBufferPointer) throws {
    let memory = try Storage.memory(max(file.count, 1), for: "input")
    memory.mutableBytes.copyMemory(from: file)
    let archive = try GGUFArchive(memory, path: "input")
    for name in archive.names {
      let tensor = archive.tensor(name)!
      let range = tensor.range(in: memory.bytes)
      require(range.lowerBound >= 0 && range.upperBound <= file.count, "\(name) lies outside")
    }
    let model = try GGUFModel(archive)
    let (tokenizer, _) = try model.tokenizer(ChatChoice(date: CalendarDate(year: 2026, month: 3, day: 7)))
    let tokens = tokenizer.encode("ab aé 12<tool>\n")
    try tokenizer.check(tokens)
    let again = try Tokenizer(serialized: tokenizer.serialized)
    require(again.encode("ab aé 12<tool>\n") == tokens, "what was stored encodes otherwise")
    for tensor in model.tensors(as: .asStored, RoundingCount()) {
      var bytes = 0
      try tensor.stream! { bytes += $0.count }
      require(bytes == tensor.type.element!.bytes * tensor.dims.reduce(1, *), "\(tensor.name) has \(bytes) bytes")
    }
  }
}
