import Checkpoints
import Support

/// A mapped safetensors file with a checked header.
final class SafetensorsFile: @unchecked Sendable {
  let path: String
  private let storage: Storage
  private let header: SafetensorsHeader

  convenience init(_ path: String) throws {
    try self.init(Storage.map(path, writable: false), path: path)
  }

  init(_ storage: Storage, path: String) throws {
    self.path = path
    self.storage = storage
    if let failure = ForeignFile(beginning: storage.bytes.prefix(ForeignFile.needed), name: path)?
      .failure(at: path, unless: .safetensors)
    { throw failure }
    header = try SafetensorsHeader(storage, path: path)
  }

  var names: Dictionary<String, StoredTensor>.Keys { header.tensors.keys }

  var bytes: Int { storage.bytes.count }

  /// XXH64 of the whole file.
  var hash: UInt64 { Hash.xxh64(storage.bytes) }

  func tensor(_ name: String) -> StoredTensor? { header.tensors[name] }
}

/// The tensors of a model's folder: `model.safetensors`, or the shards listed in `model.safetensors.index.json`.
struct SafetensorsFolder: TensorArchive {
  static let single = "model.safetensors"
  static let index = "model.safetensors.index.json"

  let path: String
  let readableTypes = "F32, F16 and BF16"
  let statement = "the configuration"
  let advice = "Copy the folder again; configuration and weights do not belong to the same model."
  /// Sorted by name.
  let files: [SafetensorsFile]
  private let places: [String: Int]

  /// A model in one file.
  init(_ file: SafetensorsFile) {
    path = file.path
    files = [file]
    places = Self.places(in: file)
  }

  private static func places(in file: SafetensorsFile) -> [String: Int] {
    Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
  }

  /// - Throws: `Failure(.badData)` for a folder without weights, a missing or damaged shard, and shards that do not
  ///   match their index.
  init(_ folder: String) throws {
    let single = "\(folder)/\(Self.single)"
    let index = "\(folder)/\(Self.index)"
    if Files.exists(single) {
      path = single
      files = [try SafetensorsFile(single)]
      places = Self.places(in: files[0])
      return
    }
    guard Files.exists(index) else {
      throw Failure(
        .badData, "has neither \(Self.single) nor \(Self.index)", at: folder,
        remedy: "Name the folder of a model in Hugging Face's form, saved as safetensors.")
    }
    path = index
    (files, places) = try Self.shards(of: index, in: folder)
  }

  var names: [String] { places.keys.sorted() }

  var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

  func tensor(_ name: String) -> StoredTensor? { places[name].flatMap { files[$0].tensor(name) } }

  private struct Index: Decodable {
    var weight_map: [String: String]
  }

  private static func shards(
    of index: String, in folder: String
  ) throws -> (files: [SafetensorsFile], places: [String: Int]) {
    func failure(_ what: String, remedy: String) -> Failure {
      Failure(.badData, what, at: index, remedy: remedy)
    }
    let map = try JSONFile.read(Index.self, from: index, .index).weight_map
    let names = Set(map.values).sorted()
    for name in names
    where name.contains("/") || name.contains("\0") || !name.hasSuffix(".safetensors") {
      throw failure(
        "the shard \"\(name)\" is not a safetensors file of this folder",
        remedy: "Keep the shards beside the index.")
    }
    for name in names where !Files.exists("\(folder)/\(name)") {
      throw failure("the shard \(name) is missing", remedy: "Copy all shards of the model.")
    }
    let files = try names.map { try SafetensorsFile("\(folder)/\($0)") }
    var places: [String: Int] = [:]
    for (number, file) in files.enumerated() {
      for tensor in file.names.sorted() {
        if let other = places.updateValue(number, forKey: tensor) {
          throw failure(
            "the tensor \"\(tensor)\" is in two shards, \(names[other]) and \(names[number])",
            remedy: "Copy all shards from the same version of the model.")
        }
        guard map[tensor] != nil else {
          throw failure(
            "the tensor \"\(tensor)\" is in \(names[number]), but the index does not list it",
            remedy: "Copy all shards from the same version of the model.")
        }
      }
    }
    for (tensor, name) in map.sorted(by: { $0.key < $1.key })
    where places[tensor].map({ names[$0] }) != name {
      throw failure(
        "the tensor \"\(tensor)\" is not in \(name)",
        remedy: "Copy all shards from the same version of the model.")
    }
    return (files, places)
  }
}
