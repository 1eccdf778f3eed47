import Models
import Support

/// A tensor where it lies in a mapped file, which it keeps open.
struct ForeignTensor {
  let name: String
  /// As its file names it.
  let typeName: String
  let dims: [Int]
  let bytes: UnsafeRawBufferPointer
  /// How its elements are read; nil where they are not.
  let elements: (any StoredElements)?
  /// For people: the types that are read.
  let readable: String
  let path: String
  /// What holds the bytes.
  let owner: AnyObject

  /// What errors call it.
  var place: String { "\(path), tensor \"\(name)\"" }

  /// - Throws: `Failure(.badData)` for a type that cannot be read.
  func storedElements() throws -> any StoredElements {
    guard let elements else {
      throw Failure(
        .badData, "its type is \(typeName), and \(readable) can be read", at: place,
        remedy: "Convert it to one of them.")
    }
    guard dims.count > 1 || elements.blockElements == 1 else {
      throw Failure(
        .badData, "its type is \(typeName), and a vector is read whose elements stand alone", at: place,
        remedy: "Convert it to F32.")
    }
    return elements
  }
}

/// Tensors by their names: those of a folder, or of one file.
protocol TensorArchive {
  /// The file that says which tensors there are; what errors about a missing one name.
  var path: String { get }
  /// In order.
  var names: [String] { get }
  /// Of all files.
  var bytes: Int { get }
  /// What says which tensors a model has: "the configuration".
  var statement: String { get }
  /// What is wrong, and to be done, where that and the tensors do not agree.
  var advice: String { get }

  func tensor(_ name: String) -> ForeignTensor?
}

extension TensorArchive {
  /// What a forged statement claims may need more memory, even as a list of names, than there is; so the claim is
  /// compared with the files first, roughly: the tensors' shapes are compared later.
  func requireRoom(for a: Architecture) throws {
    let room = Double(1 << 20) + 16 * Double(bytes)
    // Each row of queries, keys and values is a byte at least, and has a place of its own in what is made of them.
    let attentionRows = Double(a.layers) * (Double(a.queryWidth) + 2 * Double(a.keyValueWidth))
    guard a.layers > names.count || a.matrixElements > room || attentionRows > Double(bytes) else { return }
    throw Failure(
      .badData, "\(statement) needs more than the \(names.count) tensors of \(bytes) bytes that are there",
      at: path, remedy: advice)
  }

  /// - Parameter remedy: where the tensor is missing; `advice` without it.
  func find(_ part: Correspondence.Part, missing remedy: String? = nil) throws -> ForeignTensor {
    guard let tensor = tensor(part.name) else {
      throw Failure(
        .badData, "the tensor \"\(part.name)\" \(part.dims) is missing", at: path, remedy: remedy ?? advice)
    }
    guard tensor.dims == part.dims else {
      throw Failure(
        .badData, "its shape is \(tensor.dims), and \(statement) says \(part.dims)", at: tensor.place,
        remedy: advice)
    }
    return tensor
  }

  /// - Throws: `Failure(.badData)` for a tensor that belongs to no part of a model.
  func requireNoOther(than used: Set<String>, of model: String, but isKnown: (String) -> Bool) throws {
    for name in names where !used.contains(name) && !isKnown(name) {
      throw Failure(
        .badData, "it belongs to no part of a \(model) with this \(statement.split(separator: " ").last!)",
        at: tensor(name)!.place, remedy: advice)
    }
  }
}
