import Checkpoints
import Models
import Support

/// A model in a folder of Hugging Face's form, its configuration understood and its tensors found, but
/// not yet read.
public struct HuggingFaceModel {
  public static let configurationFile = "config.json"
  /// Files that say something of a model, beside its weights.
  private static let textFiles = [
    configurationFile, "generation_config.json", SafetensorsFolder.index, "tokenizer.json",
    "tokenizer_config.json",
  ]

  public let architecture: Architecture
  /// The class in `transformers`, for people.
  public let className: String
  public let isReward: Bool
  let rewardHead: RewardHead?
  /// Of a reward model: the token that fills batches. `transformers` reads the score of the last token that
  /// is another; nil where the last of all is read.
  public let padToken: Int?
  /// What the configuration says and this program ignores, a sentence each.
  public let warnings: [String]
  private let folder: String
  private let files: SafetensorsFolder
  private let weights: HuggingFaceWeights

  /// - Parameter context: the longest sequence; the model's own without it.
  /// - Throws: `Failure(.badData)` for a model that is damaged or that this program does not compute;
  ///   `.usage` for a context that the model does not have.
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
    var architecture = configuration.architecture
    let positions = architecture.context
    if let context {
      guard (1...positions).contains(context) else {
        throw Failure(
          .usage, "--context \(context) is not in 1…\(positions), what the model has",
          remedy: "Choose a number between them.")
      }
      architecture.context = context
    }
    try Self.require(files, toHold: architecture)
    self.architecture = architecture
    self.folder = folder
    self.files = files
    className = configuration.isReward ? configuration.family.classifier : configuration.family.languageModel
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
      "\(folder): has an adapter beside the weights (\(ForeignFolder.adapterFile)), which is not applied."
    ]
  }

  /// What a forged configuration claims may need more memory, even as a list of names, than there is; so
  /// the claim is compared with the files first, roughly: the tensors' shapes are compared later.
  private static func require(_ files: SafetensorsFolder, toHold a: Architecture) throws {
    let room = Double(1 << 20) + 16 * Double(files.bytes)
    guard a.layers > files.names.count || a.matrixElements > room else { return }
    throw Failure(
      .badData,
      "the configuration needs more than the \(files.names.count) tensors of \(files.bytes) bytes that "
        + "are there", at: files.path,
      remedy: "Copy the folder again; configuration and weights are not of one model.")
  }

  /// A reward model that came without a normalisation has to be normalised before PPO.
  public var isNormalized: Bool { rewardHead?.normalization != nil }

  /// Elements of all tensors.
  public var parameterCount: Int { weights.tensors.reduce(0) { $0 + $1.rows * $1.width } }

  /// Every file that was read, with the XXH64 of its bytes.
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

  /// The tensors of a checkpoint with this model, float32.
  public var tensors: [TensorSource] {
    let trunk = weights.tensors.filter { $0.ours.name != "head.weight" }.map { $0.source(.weights) }
    guard let rewardHead else { return trunk }
    var head = weights.tensors.suffix(1).map { $0.source(.head) }
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
