import Inference
import Models
import Support
import World

extension Model {
  /// The built-in world on which the base was pretrained.
  ///
  /// - Throws: `Failure(.usage)` if the base was not pretrained on a built-in world.
  package func world(insteadOf option: String) throws -> World {
    guard let world = try world() else { throw Self.noWorld(insteadOf: [option], hints: [], at: name) }
    return world
  }

  /// - Parameters:
  ///   - options: options that were not given and whose data the world would supply.
  ///   - hints: sentences to add after the remedy.
  /// - Throws: `Failure(.usage)` that names all these options, if the base has no world.
  package func requireWorld(insteadOf options: [String], hints: [String]) throws {
    guard !options.isEmpty, try world() == nil else { return }
    throw Self.noWorld(insteadOf: options, hints: hints, at: name)
  }

  private static func noWorld(insteadOf options: [String], hints: [String], at place: String) -> Failure {
    let remedy = "Give \(Spelling.list(options.map { "\($0) FILE" }))."
    return Failure(
      .usage, "this model has no built-in world to take data from", at: place,
      remedy: ([remedy] + hints).joined(separator: " "))
  }

  /// The built-in world on which the model's base was pretrained; nil if it was pretrained on other text.
  package func world() throws -> World? { try worldSeed().map { World(seed: $0) } }
}
