import Checkpoints
import Models
import Support
import Tokenizers

/// A model in a folder in Hugging Face's form.
public struct HuggingFaceModel: IncomingModel {
  public static let configurationFile = "config.json"
  /// Files other than the weights that describe a model.
  private static let textFiles = [
    configurationFile, "generation_config.json", SafetensorsFolder.index, "tokenizer.json",
    "tokenizer_config.json",
  ]

  public let architecture: Architecture
  public let className: String
  public let isReward: Bool
  let rewardHead: RewardHead?
  public let padToken: Int?
  public let warnings: [String]
  private let folder: String
  private let files: SafetensorsFolder
  private let weights: HuggingFaceWeights

  /// - Parameter context: the longest sequence; nil for the model's own value.
  /// - Throws: `Failure(.badData)` for a damaged model or one that this program does not compute; `.usage` for a
  ///   context that the model does not support.
  public init(folder: String, context: Int? = nil) throws {
    try ForeignFolder.requireModel(folder)
    let path = "\(folder)/\(Self.configurationFile)"
    let object = try JSONFile.read([String: JSONValue].self, from: path, .configuration)
    let configuration = try HuggingFaceConfiguration(ConfigurationFields(object, at: path))
    try self.init(configuration, SafetensorsFolder(folder), folder: folder, context: context)
  }

  init(
    _ configuration: HuggingFaceConfiguration, _ files: SafetensorsFolder, folder: String,
    context: Int? = nil
  ) throws {
    let positions = configuration.architecture.context
    let architecture = try IncomingModels.architecture(configuration.architecture, context: context)
    try files.requireRoom(for: architecture)
    self.architecture = architecture
    self.folder = folder
    self.files = files
    className = configuration.className
    isReward = configuration.isReward
    rewardHead = configuration.rewardHead
    padToken = configuration.padToken
    warnings = configuration.warnings + Self.warnings(of: folder)
    weights = try HuggingFaceWeights(
      files, configuration.family, ParameterLayout(architecture, scalarHead: isReward),
      positions: positions)
  }

  private static func warnings(of folder: String) -> [String] {
    guard Files.exists("\(folder)/\(ForeignFolder.adapterFile)") else { return [] }
    return [
      "\(folder): has an adapter next to the weights (\(ForeignFolder.adapterFile)), which is not applied."
    ]
  }

  public var isNormalized: Bool { rewardHead?.normalization != nil }

  public var parameterCount: Int { weights.tensors.parameterCount }
  public var quantizedTypes: [String] { [] }

  public func tokenizer(_ chat: ChatChoice) throws -> (tokenizer: Tokenizer, notes: [String]) {
    try HuggingFaceTokenizer.read(folder: folder, vocabulary: architecture.vocabulary, chat: chat)
  }

  public func sources() throws -> [(name: String, hash: UInt64)] {
    let texts = try Self.textFiles.filter { Files.exists("\(folder)/\($0)") }.map { name in
      let limit = name == Self.configurationFile ? JSONFile.Purpose.configuration : .tokenizer
      return (name, Hash.xxh64(try Files.read("\(folder)/\(name)", limit: limit.limit)))
    }
    let work = Work("reading the weights", of: files.bytes)
    defer { work.end() }
    return texts + files.files.map { file in
      defer { work.advance(by: file.bytes) }
      return (String(file.path.dropFirst(folder.count + 1)), file.hash)
    }
  }

  public func tensors(as types: ImportedType, _ rounding: RoundingCount) -> [TensorSource] {
    let trunk = weights.tensors.filter { $0.ours.name != "head.weight" }.map { $0.source(.weights, as: types, rounding) }
    guard let rewardHead else { return trunk }
    var head = weights.tensors.suffix(1).map { $0.source(.head, as: types, rounding) }
    head.append(Self.head("head.bias", [rewardHead.headBias]))
    if let (gain, bias) = rewardHead.normalization {
      head.append(Self.head(ModelFile.normalizationName, [gain, bias]))
    }
    return trunk + head
  }

  private static func head(_ name: String, _ values: [Float]) -> TensorSource {
    TensorSource(section: .head, role: .policy, name: name, dims: [values.count], type: .float32) {
      put in try values.withUnsafeBytes(put)
    }
  }
}
