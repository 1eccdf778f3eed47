@testable import World

extension World {
  /// How many facts the almanac states.
  var factCount: Int { facts.all.count }

  /// Of how many a wrong version goes round.
  var contestedFactCount: Int { facts.all.count { $0.contested } }
}

extension WorldItem {
  /// Whether it rests on a fact of which a wrong version goes round.
  var isContested: Bool {
    switch expectation {
    case .fact(let fact, _), .claim(let fact, _): return fact.contested
    default: return false
    }
  }

  /// Whether nobody can know the answer, so that a good answer says so.
  var isUnknowable: Bool {
    if case .unknown = expectation { return true }
    return false
  }
}
