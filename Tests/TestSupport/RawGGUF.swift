/// A GGUF file as tests write it: independent of the program's writer, and able to be wrong.
public struct RawGGUF: Sendable {
  public enum Value: Sendable {
    case uint32(Int)
    case uint64(UInt64)
    case float32(Float)
    case bool(UInt8)
    case text(String)
    case texts([String])
    case int32s([Int32])
    case float32s([Float])
    /// Type and bytes as they are.
    case raw(UInt32, [UInt8])
  }

  public struct Tensor: Sendable {
    public var name: String
    /// The fastest first.
    public var dims: [UInt64]
    public var type: UInt32
    public var data: [UInt8]
    /// Behind the one before it, without this.
    public var offset: UInt64?

    public init(name: String, dims: [UInt64], type: UInt32, data: [UInt8]) {
      self.name = name
      self.dims = dims
      self.type = type
      self.data = data
    }
  }

  public var magic = Array("GGUF".utf8)
  public var version: UInt32 = 3
  public var keys: [(key: String, value: Value)] = []
  public var tensors: [Tensor] = []
  public var alignment = 32
  public var tensorCount: UInt64?
  public var keyCount: UInt64?

  public init() {}

  public subscript(key: String) -> Value? {
    get { keys.first { $0.key == key }?.value }
    set {
      let index = keys.firstIndex { $0.key == key }
      if let index, let newValue {
        keys[index].value = newValue
      } else if let index {
        keys.remove(at: index)
      } else if let newValue {
        keys.append((key, newValue))
      }
    }
  }

  /// What stands before the data, without its padding.
  public var head: [UInt8] {
    var bytes = magic + Self.bytes(version) + Self.bytes(tensorCount ?? UInt64(tensors.count))
    bytes += Self.bytes(keyCount ?? UInt64(keys.count))
    for (key, value) in keys { bytes += Self.text(key) + Self.bytes(value) }
    var end: UInt64 = 0
    for tensor in tensors {
      bytes += Self.text(tensor.name) + Self.bytes(UInt32(tensor.dims.count))
      for dim in tensor.dims { bytes += Self.bytes(dim) }
      bytes += Self.bytes(tensor.type) + Self.bytes(tensor.offset ?? end)
      end += UInt64(padded(tensor.data.count))
    }
    return bytes
  }

  public func bytes() -> [UInt8] {
    var bytes = head
    bytes += [UInt8](repeating: 0, count: padded(bytes.count) - bytes.count)
    for tensor in tensors {
      bytes += tensor.data + [UInt8](repeating: 0, count: padded(tensor.data.count) - tensor.data.count)
    }
    return bytes
  }

  private func padded(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

  public static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  public static func text(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + Array(text.utf8) }

  public static func bytes(_ value: Value) -> [UInt8] {
    func list(_ kind: UInt32, _ count: Int) -> [UInt8] { bytes(UInt32(9)) + bytes(kind) + bytes(UInt64(count)) }
    switch value {
    case .uint32(let number): return bytes(UInt32(4)) + bytes(UInt32(number))
    case .uint64(let number): return bytes(UInt32(10)) + bytes(number)
    case .float32(let number): return bytes(UInt32(6)) + bytes(number.bitPattern)
    case .bool(let byte): return bytes(UInt32(7)) + [byte]
    case .text(let string): return bytes(UInt32(8)) + text(string)
    case .texts(let strings): return list(8, strings.count) + strings.flatMap(text)
    case .int32s(let numbers): return list(5, numbers.count) + numbers.flatMap { bytes($0) }
    case .float32s(let numbers): return list(6, numbers.count) + numbers.flatMap { bytes($0.bitPattern) }
    case .raw(let kind, let content): return bytes(kind) + content
    }
  }

  public static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { bytes($0.bitPattern) } }

  /// A tiny Llama with a vocabulary of SentencePiece: all bytes, four characters and what they make.
  public static let llama: RawGGUF = {
    var file = RawGGUF()
    let words = ["▁", "a", "b", "c", "ab", "▁a", "▁ab", "abc"]
    let tokens = ["<unk>", "<s>", "</s>"] + (0...255).map(byteToken) + words
    file.keys = [
      ("general.architecture", .text("llama")), ("llama.block_count", .uint32(1)),
      ("llama.context_length", .uint32(16)), ("llama.embedding_length", .uint32(8)),
      ("llama.feed_forward_length", .uint32(6)), ("llama.attention.head_count", .uint32(2)),
      ("llama.attention.head_count_kv", .uint32(1)), ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
      ("llama.rope.dimension_count", .uint32(4)), ("tokenizer.ggml.model", .text("llama")),
      ("tokenizer.ggml.tokens", .texts(tokens)),
      ("tokenizer.ggml.scores", .float32s((0..<tokens.count).map { $0 < 259 ? 0 : Float(258 - $0) })),
      ("tokenizer.ggml.token_type", .int32s([2, 3, 3] + (0...255).map { _ in 6 } + words.map { _ in 1 })),
    ]
    file.tensors = shape(rows: tokens.count)
    return file
  }()

  /// `<0x0A>`
  private static func byteToken(_ byte: Int) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(byte < 16 ? "0" : "")\(digits)>"
  }

  private static func shape(rows: Int) -> [Tensor] {
    func tensor(_ name: String, _ dims: UInt64...) -> Tensor {
      let count = Int(dims.reduce(1, *))
      return Tensor(name: name, dims: dims, type: 0, data: floats((0..<count).map { Float($0 % 7) - 3 }))
    }
    return [
      tensor("token_embd.weight", 8, UInt64(rows)), tensor("output_norm.weight", 8),
      tensor("blk.0.attn_norm.weight", 8), tensor("blk.0.attn_q.weight", 8, 8), tensor("blk.0.attn_k.weight", 8, 4),
      tensor("blk.0.attn_v.weight", 8, 4), tensor("blk.0.attn_output.weight", 8, 8),
      tensor("blk.0.ffn_norm.weight", 8), tensor("blk.0.ffn_gate.weight", 8, 6), tensor("blk.0.ffn_up.weight", 8, 6),
      tensor("blk.0.ffn_down.weight", 6, 8),
    ]
  }
}
