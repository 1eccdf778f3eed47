import Testing

@testable import Stages

@Suite struct EpochOrderTests {
  @Test("every epoch has every record once, in an order of its own")
  func epochs() {
    let order = EpochOrder(count: 10, batch: 4, seed: 1, purpose: "test")
    #expect(order.stepsPerEpoch == 3 && order.steps(epochs: 2) == 6)
    let epochs = [0..<3, 3..<6].map { $0.flatMap { order.batch($0) } }
    #expect(epochs.map { $0.sorted() } == [Array(0..<10), Array(0..<10)])
    #expect(epochs[0] != epochs[1])
    #expect(order.batch(2).count == 2)
  }
}
