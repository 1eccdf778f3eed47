import Support
import Tensors
import Testing

@testable import Models

@Test("at any temperature a product with a logit is a number, and the coldest take the most probable token")
func temperaturesOfAnySize() {
  var options = SamplingOptions()
  for temperature: Float in [0, .leastNonzeroMagnitude, 1e-38, 1e-30, 1e-21, 1e-19, 1e-6, 1, 1e20, .greatestFiniteMagnitude] {
    options.temperature = temperature
    #expect((options.inverseTemperature * 1e15).isFinite && options.inverseTemperature >= 0)
    #expect((options.inverseTemperature == 0) == (temperature < 1e-20))
  }
  options.temperature = 0.5
  #expect(options.inverseTemperature == 2)
}

@Test("top-k and top-p of any size keep the most probable token")
func truncationsOfAnySize() {
  var options = SamplingOptions()
  for (topK, topP): (Int, Float) in [(.max, 1), (1, .leastNonzeroMagnitude), (.max, 1e-30), (0, 0.999)] {
    (options.topK, options.topP, options.temperature) = (topK, topP, 1e-30)
    var logits: [Float] = [1, 3, -2]
    logits.withUnsafeMutableBufferPointer { options.truncate($0) }
    #expect(logits[1] == 3)
  }
}

@Test("a shape whose parameters cannot be counted is refused before anything is laid out")
func shapesOfAnySize() throws {
  let architecture = Architecture.gpt2(
    layers: 1 << 24, dModel: 1 << 22, heads: 1 << 18, vocabulary: 1 << 24, context: 1 << 24)
  let failure = #expect(throws: Failure.self) { try architecture.validate() }
  #expect(failure?.kind == .badData && failure?.what.contains("larger than any memory") == true)
  // The largest that the options of a command can ask for is only too large for this machine.
  let large = Architecture.gpt2(
    layers: 200, dModel: 16_384, heads: 256, vocabulary: 1_000_000, context: 65_536)
  try large.validate()
  #expect(ParameterLayout(large, scalarHead: true).trunkCount > 1 << 39)
}

@Test("a cache of more bytes than can be addressed is refused")
func cachesOfAnySize() {
  let architecture = Architecture.gpt2(layers: 1 << 20, dModel: 1 << 20, heads: 1 << 13, vocabulary: 300, context: 8)
  #expect(throws: Failure.self) {
    try KVCache(architecture, slots: 512, capacity: 1 << 24, precision: .float32, arena: Arena(isPlan: true))
  }
}
