import Evaluation
import Inference
import Stages
import World

/// A workshop in the built-in world. The world provides any number of prompts and grades every answer.
public final class Laboratory: Workshop {
  public let world: World

  init(_ study: StageContext, seed: UInt64, world: World, base: String) throws {
    self.world = world
    try super.init(study, seed: seed, base: base)
  }
}
