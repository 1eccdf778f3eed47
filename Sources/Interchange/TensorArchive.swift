import Models
import Support

/// A tensor in a mapped file, which it keeps open.
struct ForeignTensor {
  let name: String
  /// The type name in the file.
  let typeName: String
  let dims: [Int]
  let bytes: UnsafeRawBufferPointer
  /// How its elements are read; nil if the type is not supported.
  let elements: (any StoredElements)?
  /// For people: the supported types.
  let readable: String
  let path: String
  /// The object that keeps the bytes in memory.
  let owner: AnyObject

  /// The place for errors.
  var place: String { "\(path), tensor \"\(name)\"" }

  /// - Throws: `Failure(.badData)` for an unsupported type.
  func storedElements() throws -> any StoredElements {
    guard let elements else {
      throw Failure(
        .badData, "its type is \(typeName), but the supported types are \(readable)", at: place,
        remedy: "Convert it to one of them.")
    }
    guard dims.count > 1 || elements.blockElements == 1 else {
      throw Failure(
        .badData, "its type is \(typeName), but a vector stored in blocks is not supported", at: place,
        remedy: "Convert it to F32.")
    }
    return elements
  }
}

/// Tensors by name: those of a folder, or of one file.
protocol TensorArchive {
  /// The file that lists the tensors; errors about a missing tensor name it.
  var path: String { get }
  /// Sorted.
  var names: [String] { get }
  /// The size of all files.
  var bytes: Int { get }
  /// The source that defines the tensors of a model: "the configuration".
  var statement: String { get }
  /// What is wrong and what to do, if this source and the tensors do not match.
  var advice: String { get }

  func tensor(_ name: String) -> ForeignTensor?
}

extension TensorArchive {
  /// Roughly compares the claimed architecture with the size of the files first, because a forged claim may need more
  /// memory than there is, even as a list of names. The shapes of the tensors are compared later.
  func requireRoom(for a: Architecture) throws {
    let room = Double(1 << 20) + 16 * Double(bytes)
    // Each row of queries, keys and values takes at least one byte in the file, and has its own entry in the data
    // made from it.
    let attentionRows = Double(a.layers) * (Double(a.queryWidth) + 2 * Double(a.keyValueWidth))
    guard a.layers > names.count || a.matrixElements > room || attentionRows > Double(bytes) else { return }
    throw Failure(
      .badData, "\(statement) needs more than the \(names.count) tensors of \(bytes) bytes that are there",
      at: path, remedy: advice)
  }

  /// - Parameter remedy: the remedy for a missing tensor; nil for `advice`.
  func find(_ part: Correspondence.Part, missing remedy: String? = nil) throws -> ForeignTensor {
    guard let tensor = tensor(part.name) else {
      throw Failure(
        .badData, "the tensor \"\(part.name)\" \(part.dims) is missing", at: path, remedy: remedy ?? advice)
    }
    guard tensor.dims == part.dims else {
      throw Failure(
        .badData, "its shape is \(tensor.dims), but \(statement) says \(part.dims)", at: tensor.place,
        remedy: advice)
    }
    return tensor
  }

  /// - Throws: `Failure(.badData)` for a tensor that the model does not have.
  func requireNoOther(than used: Set<String>, of model: String, but isKnown: (String) -> Bool) throws {
    for name in names where !used.contains(name) && !isKnown(name) {
      throw Failure(
        .badData, "it belongs to no part of a \(model) with this \(statement.split(separator: " ").last!)",
        at: tensor(name)!.place, remedy: advice)
    }
  }
}
