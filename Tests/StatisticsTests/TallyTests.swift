import Testing

@testable import Statistics

@Suite struct TallyTests {
  @Test("two judges agree on the pairs that the one orders; where the other ties it is half right")
  func pairs() {
    var agreement = Tally([[3, 2, 2]], orderedBy: [[1, 0.5, 0.2]])
    // Right on the first answer against both others; the others tie.
    #expect(agreement == Tally(wins: 2, ties: 1) && agreement.points == 2.5)
    agreement.add([1, 2], orderedBy: [0.4, 0.4])
    #expect(agreement.count == 3)
    agreement.add([], orderedBy: [0.4, 0.4])
    #expect(agreement.count == 3)
    agreement.add([1, 2], orderedBy: [0.4, 0.3])
    #expect(agreement.losses == 1 && agreement.share == 2.5 / 4)
    #expect(Tally().share == nil)
  }
}
