import Inference
import Models
import Support
import World

extension Model {
  /// The built-in world that the base was pretrained on.
  ///
  /// - Throws: `Failure(.usage)` for a base of the user's own, which has none.
  package func world(insteadOf option: String) throws -> World {
    guard let world = try world() else { throw Self.noWorld([option], [], at: name) }
    return world
  }

  /// - Parameters:
  ///   - options: those that were not given, of which each names what the world would supply.
  ///   - hints: sentences behind the remedy.
  /// - Throws: `Failure(.usage)` that names all of them, where the base has no world.
  package func requireWorld(insteadOf options: [String], hints: [String]) throws {
    guard !options.isEmpty, try world() == nil else { return }
    throw Self.noWorld(options, hints, at: name)
  }

  private static func noWorld(_ options: [String], _ hints: [String], at place: String) -> Failure {
    let remedy = "Give \(Spelling.list(options.map { "\($0) FILE" }))."
    return Failure(
      .usage, "this model has no built-in world to take data from", at: place,
      remedy: ([remedy] + hints).joined(separator: " "))
  }

  /// The built-in world that the model's base was pretrained on; nil for a base of the user's own.
  package func world() throws -> World? { try worldSeed().map { World(seed: $0) } }
}
