import Support

/// The built-in task: a small closed world, its texts, its prompts and what a good answer is.
///
/// Everything follows the seed. The texts are uncurated on purpose: of half the facts a wrong
/// version goes round more often than the right one, in its own kind of context, so that a model
/// of these texts knows the truth of every fact and mostly does not say it.
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
