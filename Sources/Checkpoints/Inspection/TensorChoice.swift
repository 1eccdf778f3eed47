import Support

extension Checkpoint {
  /// The tensor with this name: `NAME`, `ROLE/NAME` or `SECTION/ROLE/NAME`.
  /// - Throws: `Failure(.usage)` if no tensor or more than one matches; the remedy tells how to choose.
  public func tensor(called name: String) throws -> StoredTensor {
    let all = tensors
    let found = all.filter { [$0.name, "\($0.role)/\($0.name)", $0.address].contains(name) }
    if found.count == 1 { return found[0] }
    guard !found.isEmpty else {
      throw Failure(
        .usage, "there is no tensor \"\(name)\" among its \(all.count)", at: path,
        remedy: "`tinyrlhf inspect` without --tensor lists them.")
    }
    throw Failure(
      .usage, "\(found.count) tensors are called \"\(name)\"", at: path,
      remedy: "Name one of them as " + found.map(\.address).joined(separator: ", ") + ".")
  }
}
