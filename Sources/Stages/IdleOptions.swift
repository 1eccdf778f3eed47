import Support

/// Collects options that were given but have no effect. They are refused by name, never ignored silently.
public struct IdleOptions {
  /// The idle options in the order in which they were found, each with its reason.
  private var found: [(option: String, reason: String)] = []

  public init() {}

  /// - Parameters:
  ///   - option: the option as it was given: `--kl-horizon`.
  ///   - isIdle: whether it was given but is not read.
  ///   - reason: a clause: "--kl-target is 0".
  public mutating func add(_ option: String, if isIdle: Bool, because reason: String) {
    if isIdle { found.append((option, reason)) }
  }

  /// Adds those of `parameters` that were given.
  public mutating func add(
    _ parameters: [Parameter], of settings: Settings, if isIdle: Bool = true, because reason: String
  ) {
    guard isIdle else { return }
    for parameter in parameters {
      guard let option = settings.option(parameter), !found.contains(where: { $0.option == option }) else { continue }
      found.append((option, reason))
    }
  }

  /// - Throws: `Failure(.usage)` that names all idle options, each with its reason.
  public func refuse() throws {
    guard !found.isEmpty else { return }
    var reasons: [(reason: String, options: [String])] = []
    for (option, reason) in found {
      if let index = reasons.firstIndex(where: { $0.reason == reason }) {
        reasons[index].options.append(option)
      } else {
        reasons.append((reason, [option]))
      }
    }
    let clauses = reasons.map { reason, options in
      "\(Spelling.list(options)) \(options.count == 1 ? "has" : "have") no effect: \(reason)"
    }
    throw Failure(
      .usage, clauses.joined(separator: "; "), remedy: found.count == 1 ? "Leave it out." : "Leave them out.")
  }
}
