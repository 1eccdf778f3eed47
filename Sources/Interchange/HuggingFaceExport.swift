import Models
import Support

/// Writes a model as a folder that `transformers` loads.
public enum HuggingFaceExport {
  /// - Parameters:
  ///   - folder: made whole or not at all.
  ///   - replacing: whether a model's folder of that name may be replaced.
  ///   - beginning: the token that begins a text, if there is one; `ends`, those that end an answer.
  ///   - tokenizer: writes the tokenizer's files into the folder it is given.
  /// - Throws: `Failure(.badData)` for a model that no other program computes, or a value that `type`
  ///   cannot hold; `.cannotCreate`, `.inputOutput`.
  public static func write(
    _ file: ModelFile, to folder: String, type: ElementType = .float32, replacing: Bool = false,
    beginning: Int32?, ends: [Int32], tokenizer: (String) throws -> Void
  ) throws {
    let model = try OutgoingModel(file)
    let correspondences = model.family.correspondences(
      file.layout, prefix: model.family.prefix, positions: model.architecture.context)
    try OutputFolder.make(folder, replacing: replacing) { folder in
      try SafetensorsWriter.write(
        model.tensors(correspondences).sorted { $0.name < $1.name }, type,
        to: "\(folder)/\(SafetensorsFolder.single)")
      let ends = ends.map { JSONValue.number(Double($0)) }
      var tokens: [String: JSONValue] = [:]
      tokens["bos_token_id"] = beginning.map { .number(Double($0)) }
      tokens["eos_token_id"] = ends.count > 1 ? .array(ends) : ends.first
      var configuration = model.family.configuration(model.architecture, rewardHead: model.rewardHead)
      configuration["torch_dtype"] = .string("\(type)")
      try write(
        configuration.merging(tokens) { $1 }, to: "\(folder)/\(HuggingFaceModel.configurationFile)")
      if model.rewardHead == nil { try write(tokens, to: "\(folder)/generation_config.json") }
      try tokenizer(folder)
    }
  }

  private static func write(_ object: [String: JSONValue], to path: String) throws {
    try Files.writeAtomically(JSON.encode(object, pretty: true) + [UInt8(ascii: "\n")], to: path)
  }
}
