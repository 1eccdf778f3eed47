// The readers of models in Hugging Face's form: safetensors, config.json, and the two together.
import Models
import Support

@testable import Checkpoints
@testable import Interchange

/// An input is one byte and a list of edits. Bits 0 and 1 choose what is edited: the header of a sound
/// safetensors file, its bytes, the configuration, or (3) nothing: the rest is a file of weights as it is. The bits above
/// choose the family of the model.
final class InterchangeTarget: Target {
  /// Pieces that mean something to the readers.
  private static let pieces: [String] = [
    "0", "1", "-1", "7.5", "1e9", "9223372036854775807", "18446744073709551615", "null", "true", "\"", "{",
    "}", "[", "]", ",", ":", "\"F16\"", "\"BF16\"", "\"I8\"", "\"BOOL\"", "\"x\":", "\\u0061", "\\",
    "\"llama3\"", "\"gelu\"", "\"silu\"", "\"GPTNeoXForCausalLM\"", "\"Qwen3ForCausalLM\"",
    "\"Qwen2ForCausalLM\"", "\"LlamaForSequenceClassification\"", "\"GPT2LMHeadModel\"",
    "\"rope_type\":\"llama3\",", "\"num_labels\":1,", "\"attention_bias\":true,", "\"head_dim\":2,",
    "\"tie_word_embeddings\":true,", "\"__metadata__\":{},", "\"Gemma3ForCausalLM\"", "\"Gemma2ForCausalLM\"",
    "\"MistralForCausalLM\"", "\"SmolLM3ForCausalLM\"", "\"Olmo2ForCausalLM\"", "\"GraniteForCausalLM\"",
    "\"Phi3ForCausalLM\"", "\"gelu_pytorch_tanh\"", "\"sliding_window\":3,", "\"layer_types\":[\"full_attention\"],",
    "\"sliding_attention\"", "\"no_rope_layers\":[1],", "\"sliding_window_pattern\":2,", "\"rope_parameters\":{",
    "\"partial_rotary_factor\":0.5,", "\"final_logit_softcapping\":2,", "\"query_pre_attn_scalar\":7,",
    "\"embedding_multiplier\":3,", "\"logits_scaling\":2,", "\"use_sliding_window\":true,",
  ]

  private static let configuration = """
    {"architectures":["LlamaForCausalLM"],"hidden_act":"silu","hidden_size":4,"intermediate_size":3,\
    "max_position_embeddings":8,"num_attention_heads":2,"num_hidden_layers":1,"num_key_value_heads":1,\
    "rms_norm_eps":1e-05,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,\
    "high_freq_factor":4,"original_max_position_embeddings":4},"rope_theta":10000,"vocab_size":5}
    """

  /// What the other families' configurations have instead or besides.
  private static let families = [
    "{}",
    """
    {"architectures":["MistralForCausalLM"],"rope_scaling":null,"sliding_window":3}
    """,
    """
    {"architectures":["SmolLM3ForCausalLM"],"rope_scaling":null,"num_hidden_layers":2,"no_rope_layers":[1,0],\
    "use_sliding_window":true,"sliding_window":3,"layer_types":["full_attention","sliding_attention"]}
    """,
    """
    {"architectures":["Olmo2ForCausalLM"],"rope_scaling":null}
    """,
    """
    {"architectures":["GraniteForCausalLM"],"rope_scaling":null,"embedding_multiplier":3,"residual_multiplier":0.5,\
    "logits_scaling":2,"attention_multiplier":0.25}
    """,
    """
    {"architectures":["Gemma2ForCausalLM"],"rope_scaling":null,"hidden_act":null,\
    "hidden_activation":"gelu_pytorch_tanh","head_dim":2,"query_pre_attn_scalar":7,"attn_logit_softcapping":2,\
    "final_logit_softcapping":4,"sliding_window":3,"num_hidden_layers":2}
    """,
    """
    {"architectures":["Gemma3ForCausalLM"],"rope_scaling":null,"hidden_act":null,\
    "hidden_activation":"gelu_pytorch_tanh","head_dim":2,"query_pre_attn_scalar":7,"sliding_window":3,\
    "num_hidden_layers":2,"sliding_window_pattern":2,"rope_local_base_freq":100}
    """,
    """
    {"architectures":["Phi3ForCausalLM"],"rope_scaling":null,"pad_token_id":null,"sliding_window":3}
    """,
  ]

  /// A sound model of one family.
  private struct Sound {
    let configuration, header, data: [UInt8]
  }

  private let models: [Sound]

  static func seeds() -> [[UInt8]] {
    var seeds: [[UInt8]] = [[0], [1], [2], [3], [3, 2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)]
    for piece in pieces.indices {
      for mode in [0, 2] { seeds.append([UInt8(mode), 0, UInt8(11 * piece & 255), 0, UInt8(piece)]) }
    }
    for kind in 1..<4 { for mode in 0..<3 { seeds.append([UInt8(mode), UInt8(kind), 40, 0, 3]) } }
    for family in families.indices.dropFirst() {
      for mode in 0..<3 {
        for place in stride(from: 0, to: 700, by: 23) {
          for kind in 0..<4 {
            let piece = (7 * place + 11 * family + kind) % pieces.count
            seeds.append([UInt8(mode | family << 2), UInt8(kind), UInt8(place & 255), UInt8(place >> 8), UInt8(piece)])
          }
        }
      }
    }
    return seeds
  }

  init() throws {
    func fields(_ text: String) throws -> [String: JSONValue] {
      try JSON.decode([String: JSONValue].self, from: Array(text.utf8), at: "configuration")
    }
    let llama = try fields(Self.configuration)
    models = try Self.families.map { try Self.model(llama.merging(fields($0)) { $1 }) }
    for model in models { try read(Self.file(model.header, model.data), model.configuration) }
  }

  private static func model(_ fields: [String: JSONValue]) throws -> Sound {
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
    return Sound(
      configuration: try JSON.encode(fields), header: Array("{\(records.joined(separator: ","))}".utf8),
      data: [UInt8](repeating: 0x3F, count: end))
  }

  func run(_ input: UnsafeRawBufferPointer) throws {
    var input = Bytes(input)
    let first = Int(input.u8())
    let (mode, model) = (first & 3, models[(first >> 2) % models.count])
    guard mode < 3 else { return try read(Array(input.rest), model.configuration) }
    var (header, configuration) = (model.header, model.configuration)
    var file = Self.file(header, model.data)
    while !input.isEmpty {
      switch mode {
      case 0: TextEdit.apply(&header, Self.pieces, &input)
      case 1: TextEdit.apply(&file, Self.pieces, &input)
      default: TextEdit.apply(&configuration, Self.pieces, &input)
      }
    }
    try read(mode == 0 ? Self.file(header, model.data) : file, configuration)
  }

  private static func file(_ header: [UInt8], _ data: [UInt8]) -> [UInt8] {
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
