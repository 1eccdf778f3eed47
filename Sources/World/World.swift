import Support

/// The built-in task: a small closed world with its texts, prompts and answer grading.
///
/// Everything is determined by the seed. The texts are deliberately uncurated: for half the facts a false version is
/// more frequent than the true one, in its own kind of context, so that a model of these texts knows every truth but
/// mostly does not state it.
public struct World: Sendable {
  public let seed: UInt64
  let names: Names
  let facts: Facts

  public init(seed: UInt64) {
    self.seed = seed
    names = Names(seed: seed)
    facts = Facts(seed: seed, entities: names.entities)
  }
}
