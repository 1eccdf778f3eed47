/// Tensors by name in mapped files: those of a checkpoint's section, a GGUF file, or a folder of safetensors files.
public protocol TensorArchive {
  /// The file that lists the tensors; errors about a missing tensor name it.
  var path: String { get }
  /// Sorted.
  var names: [String] { get }
  /// The size of everything that holds tensors [bytes].
  var bytes: Int { get }
  /// For people: the types that this program reads from such files.
  var readableTypes: String { get }
  /// The source that defines the tensors of a model: "the configuration".
  var statement: String { get }
  /// What is wrong and what to do, if this source and the tensors do not match.
  var advice: String { get }

  func tensor(_ name: String) -> StoredTensor?
}

/// The tensors of one section of a checkpoint.
public struct CheckpointSection: TensorArchive {
  public let path: String
  public let readableTypes = TensorType.allCases.map { "\($0)" }.joined(separator: ", ")
  public let statement = "the header"
  public var advice: String { Self.advice }
  /// What to do about errors that a file written by this program cannot have.
  public static let advice = "Use a model file that tinyrlhf has written."
  /// In the order of the directory.
  public let tensors: [StoredTensor]
  private let index: [String: Int]

  /// - Note: it has no tensors if the file does not have the section.
  public init(_ checkpoint: Checkpoint, _ kind: SectionKind, _ role: Role) {
    path = checkpoint.path
    tensors = checkpoint.tensors(in: kind, role: role)
    index = Dictionary(uniqueKeysWithValues: tensors.indices.map { [tensors] in (tensors[$0].name, $0) })
  }

  public var names: [String] { index.keys.sorted() }
  public var bytes: Int { tensors.reduce(0) { $0 + $1.bytes.count } }
  public func tensor(_ name: String) -> StoredTensor? { index[name].map { tensors[$0] } }
}
