import Models
import Support
import Tensors

/// Llama 3's rope scaling in GGUF: a vector that divides each frequency. The four numbers that the vector was made
/// from are not in any key.
enum GGUFRope {
  static let tensor = "rope_freqs.weight"

  private static func frequencies(_ a: Architecture) -> [Double] {
    let theta = DeterministicMath.log(Double(a.rotaryTheta))
    return (0..<a.rotaryDim / 2).map { DeterministicMath.exp(-2 * Double($0) / Double(a.rotaryDim) * theta) }
  }

  static func factors(of scaling: RotaryScaling, _ a: Architecture) -> [Float] {
    frequencies(a).map { Float($0 / scaling.scaled($0)) }
  }

  /// The scaling that gives these factors, with the thresholds that all Llama 3 models use: 1 and 4 turns within a
  /// context that is a power of two, or the model's own.
  ///
  /// - Returns: nil if all factors are 1.
  /// - Throws: `Failure(.badData)` for factors that no such scaling gives.
  static func scaling(_ factors: [Float], of a: Architecture, at place: String) throws -> RotaryScaling? {
    guard let largest = factors.max(), factors.contains(where: { $0 != 1 }) else { return nil }
    let frequencies = frequencies(a)
    for context in (4...24).map({ 1 << $0 }) + [a.context] {
      let scaling = RotaryScaling(
        factor: largest, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: context)
      let isMade = zip(frequencies, factors).allSatisfy { frequency, factor in
        abs(frequency / scaling.scaled(frequency) - Double(factor)) <= tolerance * Double(factor)
      }
      if isMade { return scaling }
    }
    throw Failure(
      .badData, "its factors are not those of a rope scaled as in Llama 3, with 1 and 4 turns", at: place,
      remedy: "Import the folder that the file was made from.")
  }

  /// The converter computes in float32; this program uses float64.
  private static let tolerance = 2e-5
}
