import Testing

@testable import Evaluation

@Suite struct Int8DistanceTests {
  @Test("a gap within what is tolerated is near; one beyond it, and one that is no number, are not")
  func near() {
    #expect(Int8Gap(float32: [[-1, -2]], int8: [[-1, -2]]).isNear)
    #expect(!Int8Gap(float32: [[-1, -2]], int8: [[-1, -4]]).isNear)
    #expect(!Int8Gap(float32: [[-1, -2]], int8: [[-1, .nan]]).isNear)
  }
}
