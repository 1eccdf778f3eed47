import Support
import Testing
import World

@testable import Evaluation
@testable import Inference
@testable import Stages

@Suite struct ProbeTests {
  private let world = World(seed: 1)

  @Test("each of several answers to a prompt is graded as an answer to that prompt")
  func grades() {
    let probe = Probe(world, prompts: 6, samples: 2)
    var random = RandomStream(seed: 1, purpose: "test/probe")
    let rubric = Rubric(world)
    var answers: [String] = []
    var sum = 0.0
    for index in 0..<6 {
      let item = world.item(.validation, index)
      let own = world.imitationAnswers(for: item, count: 2, stream: &random)
      answers += own
      for answer in own { sum += rubric.grade(answer, for: item).gold }
    }
    #expect(abs(probe.gold(answers) - sum / 12) < 1e-12)
    #expect(abs(probe.gold(answers.reversed()) - sum / 12) > 1e-3, "the order does not matter")
  }

  @Test("there is a look at the first and at the last iteration, and between them at least as many as were asked for")
  func looks() {
    for (whole, looks) in [(56, 12), (56, 32), (5, 12), (64, 32), (1, 1)] {
      let probe = Probe(world, prompts: 1, looks: looks)
      let steps = (0..<whole).filter { probe.isDue(after: $0, of: whole, whole: whole) }
      #expect(steps.first == 0 && steps.last == whole - 1)
      #expect(steps.count >= min(looks, whole) && steps.count <= 2 * looks + 1, "\(whole), \(looks)")
    }
  }
}
