import Models
import Support
import Tokenizers

/// Writes a model as a folder that `transformers` can load.
public enum HuggingFaceExport {
  /// - Parameters:
  ///   - folder: written completely or not at all.
  ///   - padToken: for a reward model: the padding token, after which its score is not read; nil to choose one.
  ///   - replacing: whether an existing model folder of that name may be replaced.
  /// - Throws: `Failure(.badData)` for a model that no other program computes, or a value that `type` cannot hold;
  ///   `.cannotCreate`, `.inputOutput`.
  public static func write(
    _ file: ModelFile, _ tokenizer: Tokenizer, to folder: String, type: ElementType = .float32,
    padToken: Int32? = nil, replacing: Bool = false
  ) throws {
    let model = try OutgoingModel(file)
    let correspondences = model.family.tensors.correspondences(
      file.layout, positions: model.architecture.context)
    guard model.rewardHead == nil || model.family.classifier != nil else {
      throw Failure(
        .badData, "is a reward model of the family \(model.family.name), which has no classifier in `transformers`",
        at: file.checkpoint.path, remedy: "Export a language model.")
    }
    try OutputFolder.make(folder, replacing: replacing) { folder in
      try SafetensorsWriter.write(
        model.tensors(correspondences).sorted { $0.name < $1.name }, type,
        to: "\(folder)/\(SafetensorsFolder.single)")
      func id(_ token: Int32?) -> JSONValue { token.map { .number(Double($0)) } ?? .null }
      let ends = tokenizer.endTokens
      // null is written explicitly, because transformers has its own defaults for missing keys.
      var tokens = [
        "bos_token_id": id(tokenizer.definition.beginToken),
        "eos_token_id": ends.count > 1 ? .array(ends.map(id)) : id(ends.first),
      ]
      var configuration = model.family.configuration(model.architecture, rewardHead: model.rewardHead)
      configuration["torch_dtype"] = .string("\(type)")
      if model.rewardHead != nil {
        // Without it, transformers cannot score more than one text at a time.
        tokens["pad_token_id"] = id(padToken ?? tokenizer.definition.paddingToken)
      } else if model.family.standardPad != nil {
        tokens["pad_token_id"] = .null
      }
      try write(
        configuration.merging(tokens) { $1 }, to: "\(folder)/\(HuggingFaceModel.configurationFile)")
      if model.rewardHead == nil { try write(tokens, to: "\(folder)/generation_config.json") }
      try HuggingFaceTokenizer.write(tokenizer, to: folder)
    }
  }

  private static func write(_ object: [String: JSONValue], to path: String) throws {
    try Files.writeAtomically(JSON.encode(object, pretty: true) + [UInt8(ascii: "\n")], to: path)
  }
}
