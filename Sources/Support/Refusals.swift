/// Gathers what is wrong, so that all of it is said at once.
public struct Refusals {
  private var failures: [Failure] = []

  public init() {}

  public mutating func add(_ failure: Failure) { failures.append(failure) }

  /// Does a part of the work; its failure waits for those of the other parts.
  public mutating func gather(_ body: () throws -> Void) throws {
    do { try body() } catch let failure as Failure { failures.append(failure) }
  }

  /// - Throws: the one failure; for several, one that says what each says, with the place and the kind of the first,
  ///   or the kind of bad data where any is.
  public func throwIfAny() throws {
    guard var failure = failures.first else { return }
    if failures.count > 1 {
      if failures.contains(where: { $0.kind == .badData }) { failure.kind = .badData }
      failure.what = failures.map { $0.at(elsewhereThan: failure.place) + $0.what }.joined(separator: "; ")
      let remedies = failures.compactMap(\.remedy).reduce(into: [String]()) { remedies, remedy in
        if !remedies.contains(remedy) { remedies.append(remedy) }
      }
      failure.remedy = remedies.isEmpty ? nil : remedies.joined(separator: " ")
    }
    throw failure
  }
}

extension Failure {
  fileprivate func at(elsewhereThan first: String?) -> String {
    guard let place, place != first else { return "" }
    return "\(place): "
  }
}
