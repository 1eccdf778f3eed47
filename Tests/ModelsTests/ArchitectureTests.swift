import Models
import Support
import Testing

@Suite struct ArchitectureTests {
  private let sound = Architecture(
    layers: 2, dModel: 256, heads: 2, vocabulary: 300, context: 64, position: .rotary,
    rotaryDim: 64)

  private func refusal(_ change: (inout Architecture) -> Void) -> Failure? {
    var architecture = sound
    change(&architecture)
    do {
      try architecture.validate(at: "here")
      return nil
    } catch {
      return error as? Failure
    }
  }

  @Test("a head of 256 elements is the widest, and a wider one is refused by its width")
  func widestHead() {
    #expect(refusal { $0.headDim = 256 } == nil)
    for width in [257, 320, 1 << 24] {
      let failure = refusal { $0.headDim = width }
      #expect(failure?.kind == .badData && failure?.what.contains("\(width)") == true)
      #expect(failure?.place == "here")
    }
  }

  @Test("every contradiction is refused")
  func contradictions() {
    let changes: [(inout Architecture) -> Void] = [
      { $0.layers = 0 }, { $0.dModel = -1 }, { $0.heads = 1 << 40 }, { $0.kvHeads = 0 },
      { $0.headDim = 0 }, { $0.vocabulary = 1 << 25 }, { $0.kvHeads = 3 },
      { $0.normEpsilon = 0 }, { $0.normEpsilon = .nan }, { $0.rotaryDim = 0 },
      { $0.rotaryDim = 63 }, { $0.rotaryDim = 130 }, { $0.rotaryDim = -2 },
      { $0.rotaryTheta = 1 },
    ]
    for (number, change) in changes.enumerated() {
      #expect(refusal(change)?.kind == .badData, "change \(number)")
    }
  }
}
