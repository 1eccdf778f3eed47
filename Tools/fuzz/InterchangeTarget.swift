// The readers of models in Hugging Face's form: safetensors, config.json, and the two together.
import Models
import Support

@testable import Checkpoints
@testable import Interchange

/// An input is one byte and a list of edits. Bits 0 and 1 choose what is edited: the header of a sound
/// safetensors file, its bytes, the configuration, or (3) nothing: the rest is a file of weights as it is.
final class InterchangeTarget: Target {
  /// Pieces that mean something to the readers.
  private static let pieces: [String] = [
    "0", "1", "-1", "7.5", "1e9", "9223372036854775807", "18446744073709551615", "null", "true", "\"", "{",
    "}", "[", "]", ",", ":", "\"F16\"", "\"BF16\"", "\"I8\"", "\"BOOL\"", "\"x\":", "\\u0061", "\\",
    "\"llama3\"", "\"gelu\"", "\"silu\"", "\"GPTNeoXForCausalLM\"", "\"Qwen3ForCausalLM\"",
    "\"Qwen2ForCausalLM\"", "\"LlamaForSequenceClassification\"", "\"GPT2LMHeadModel\"",
    "\"rope_type\":\"llama3\",", "\"num_labels\":1,", "\"attention_bias\":true,", "\"head_dim\":2,",
    "\"tie_word_embeddings\":true,", "\"__metadata__\":{},",
  ]

  private static let configuration = """
    {"architectures":["LlamaForCausalLM"],"hidden_act":"silu","hidden_size":4,"intermediate_size":3,\
    "max_position_embeddings":8,"num_attention_heads":2,"num_hidden_layers":1,"num_key_value_heads":1,\
    "rms_norm_eps":1e-05,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,\
    "high_freq_factor":4,"original_max_position_embeddings":4},"rope_theta":10000,"vocab_size":5}
    """

  private let header: [UInt8]
  private let data: [UInt8]

  static func seeds() -> [[UInt8]] {
    var seeds: [[UInt8]] = [[0], [1], [2], [3], [3, 2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)]
    for piece in pieces.indices {
      for mode in [0, 2] { seeds.append([UInt8(mode), 0, UInt8(11 * piece & 255), 0, UInt8(piece)]) }
    }
    for kind in 1..<4 { for mode in 0..<3 { seeds.append([UInt8(mode), UInt8(kind), 40, 0, 3]) } }
    return seeds
  }

  init() throws {
    let fields = try JSON.decode(
      [String: JSONValue].self, from: Array(Self.configuration.utf8), at: "configuration")
    let sound = try HuggingFaceConfiguration(ConfigurationFields(fields, at: "configuration"))
    let layout = ParameterLayout(sound.architecture, scalarHead: false)
    var records: [String] = []
    var end = 0
    for part in sound.family.tensors.correspondences(layout, positions: 8).flatMap(\.parts) {
      let first = end
      end += 4 * part.dims.reduce(1, *)
      records.append(
        "\"\(part.name)\":{\"dtype\":\"F32\",\"shape\":\(part.dims),\"data_offsets\":[\(first),\(end)]}")
    }
    header = Array("{\(records.joined(separator: ","))}".utf8)
    data = [UInt8](repeating: 0x3F, count: end)
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let mode = input.u8() & 3
    guard mode < 3 else { return try read(Array(input.rest), Array(Self.configuration.utf8)) }
    var (header, configuration) = (header, Array(Self.configuration.utf8))
    var file = self.file(header)
    while !input.isEmpty {
      switch mode {
      case 0: TextEdit.apply(&header, Self.pieces, &input)
      case 1: TextEdit.apply(&file, Self.pieces, &input)
      default: TextEdit.apply(&configuration, Self.pieces, &input)
      }
    }
    try read(mode == 0 ? self.file(header) : file, configuration)
  }

  private func file(_ header: [UInt8]) -> [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
  }

  /// A model from these bytes, and every value of it.
  private func read(_ file: [UInt8], _ configuration: [UInt8]) throws {
    let fields = try JSONFile.decode([String: JSONValue].self, from: configuration, at: "configuration")
    let found = try HuggingFaceConfiguration(ConfigurationFields(fields, at: "configuration"))
    let memory = try Storage.memory(max(file.count, 1), for: "input")
    memory.mutableBytes.copyBytes(from: file)
    let weights = try SafetensorsFile(memory, path: "input")
    for name in weights.names {
      let tensor = weights.tensor(name)!
      let range = tensor.range(in: memory.bytes)
      require(range.lowerBound >= 0 && range.upperBound <= file.count, "\(name) lies outside")
    }
    let model = try HuggingFaceModel(found, SafetensorsFolder(weights), folder: "input")
    for tensor in model.tensors(as: .asStored, RoundingCount()) {
      var bytes = 0
      try tensor.stream! { bytes += $0.count }
      require(bytes == tensor.type.element!.bytes * tensor.dims.reduce(1, *), "\(tensor.name) has \(bytes) bytes")
    }
  }
}
