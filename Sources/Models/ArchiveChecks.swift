import Checkpoints
import Support

/// Checks of the tensors of a model.
extension TensorArchive {
  /// Roughly compares the claimed architecture with the size of the files first, because a forged claim may need more
  /// memory than there is, even as a list of names. The shapes of the tensors are compared later.
  public func requireRoom(for a: Architecture) throws {
    let room = Double(1 << 20) + 16 * Double(bytes)
    // Each row of queries, keys and values takes at least one byte in the file, and has its own entry in the data
    // made from it.
    let attentionRows = Double(a.layers) * (Double(a.queryWidth) + 2 * Double(a.keyValueWidth))
    guard a.layers > names.count || a.matrixElements > room || attentionRows > Double(bytes) else { return }
    throw Failure(
      .badData, "\(statement) needs more than the \(names.count) tensors of \(bytes) bytes that are there",
      at: path, remedy: advice)
  }

  /// The tensor with that name, dims, and a type that this program reads.
  /// - Parameter remedy: the remedy for a missing tensor; nil for `advice`.
  public func find(_ name: String, _ dims: [Int], missing remedy: String? = nil) throws -> StoredTensor {
    guard let tensor = tensor(name) else {
      throw Failure(.badData, "the tensor \"\(name)\" \(dims) is missing", at: path, remedy: remedy ?? advice)
    }
    guard tensor.dims == dims else {
      throw Failure(
        .badData, "its shape is \(tensor.dims), but \(statement) says \(dims)", at: tensor.place, remedy: advice)
    }
    guard let elements = tensor.elements else {
      throw Failure(
        .badData, "its type is \(tensor.typeName), but the supported types are \(readableTypes)", at: tensor.place,
        remedy: "Convert it to one of them.")
    }
    guard dims.count > 1 || elements.blockElements == 1 else {
      throw Failure(
        .badData, "its type is \(tensor.typeName), but a vector stored in blocks is not supported",
        at: tensor.place, remedy: "Convert it to F32.")
    }
    return tensor
  }

  /// - Throws: `Failure(.badData)` for a tensor that the model does not have.
  public func requireNoOther(
    than used: Set<String>, of model: String, but isKnown: (String) -> Bool = { _ in false }
  ) throws {
    for name in names where !used.contains(name) && !isKnown(name) {
      throw Failure(
        .badData, "it belongs to no part of a \(model) with this \(statement.split(separator: " ").last!)",
        at: tensor(name)!.place, remedy: advice)
    }
  }
}
