/// Collects failures, so that all of them are reported together.
public struct Refusals {
  private var failures: [Failure] = []

  public init() {}

  public mutating func add(_ failure: Failure) { failures.append(failure) }

  /// Runs a part of the work and collects its failure, so that the other parts still run.
  public mutating func gather(_ body: () throws -> Void) throws {
    do { try body() } catch let failure as Failure { failures.append(failure) }
  }

  /// - Throws: the failure, if there is one. For several, one failure that joins their messages and remedies, with
  ///   the place of the first. Its kind is `.badData` if any of them has that kind, otherwise that of the first.
  public func throwIfAny() throws {
    guard var failure = failures.first else { return }
    if failures.count > 1 {
      if failures.contains(where: { $0.kind == .badData }) { failure.kind = .badData }
      if failures.contains(where: { $0.code != failure.code }) { failure.dropCode() }
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
