import CSupport
import Support

/// Statistics of a tensor's values. For int8 they are of the stored values, scale times code.
///
/// Extremes, mean and standard deviation (with n in the denominator) are over the finite values; nil if there is none.
public struct TensorStatistics: Equatable, Sendable {
  public private(set) var minimum: Float?
  public private(set) var maximum: Float?
  public var mean: Double? { finite > 0 ? average : nil }
  public var standardDeviation: Double? {
    finite > 0 ? (squares / Double(finite)).squareRoot() : nil
  }
  public private(set) var zeros = 0
  public private(set) var nans = 0
  public private(set) var infinities = 0

  private var finite = 0
  /// The mean of the finite values.
  private var average = 0.0
  /// Σ (value − mean)² over the finite values.
  private var squares = 0.0

  /// Statistics of several tensors, computed in parallel. The bits do not depend on the number of threads.
  public static func of(_ tensors: [StoredTensor], threads: Int) throws -> [TensorStatistics] {
    let pieces = tensors.indices.flatMap { index in tensors[index].pieces.map { (index, $0) } }
    let parts = try Parallel.map(pieces.count, threads: threads, as: "measuring") { number in
      let (index, piece) = pieces[number]
      return TensorStatistics(tensors[index], piece)
    }
    var results = [TensorStatistics](repeating: TensorStatistics(), count: tensors.count)
    for (number, part) in parts.enumerated() { results[pieces[number].0].add(part) }
    return results
  }

  private init() {}

  private init(_ tensor: StoredTensor, _ piece: Range<Int>) {
    StoredTensor.withScratch { scratch in
      for block in StoredTensor.blocks(piece) {
        tensor.with(block, scratch: scratch) { floats in
          var moments = ts_moments()
          ts_moments_of(floats, block.count, &moments)
          add(TensorStatistics(moments, count: block.count))
        }
      }
    }
  }

  private init(_ moments: ts_moments, count: Int) {
    finite = Int(moments.finite)
    zeros = Int(moments.zeros)
    nans = Int(moments.nans)
    infinities = count - finite - nans
    guard finite > 0 else { return }
    average = moments.sum / Double(finite)
    squares = moments.squares
    minimum = moments.low
    maximum = moments.high
  }

  /// Adds the statistics of the values that follow.
  ///
  ///     δ = mean_b − mean_a,   mean = mean_a + δ·n_b/n,   squares += squares_b + δ²·n_a·n_b/n
  ///
  /// Chan, Golub and LeVeque 1979: no cancellation when the mean is far from zero.
  private mutating func add(_ other: TensorStatistics) {
    zeros += other.zeros
    nans += other.nans
    infinities += other.infinities
    guard other.finite > 0 else { return }
    guard finite > 0 else {
      (finite, average, squares) = (other.finite, other.average, other.squares)
      (minimum, maximum) = (other.minimum, other.maximum)
      return
    }
    let (a, b) = (Double(finite), Double(other.finite))
    let difference = other.average - average
    average += difference * b / (a + b)
    squares += other.squares + difference * difference * a * b / (a + b)
    finite += other.finite
    minimum = min(minimum!, other.minimum!)
    maximum = max(maximum!, other.maximum!)
  }
}

extension TensorStatistics: Encodable {
  enum CodingKeys: String, CodingKey {
    case zeros
    case minimum = "min"
    case maximum = "max"
    case mean
    case standardDeviation = "std"
    case nans = "nan"
    case infinities = "infinite"
  }

  /// Writes every key, with null if there is no finite value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(minimum, forKey: .minimum)
    try container.encode(maximum, forKey: .maximum)
    try container.encode(mean, forKey: .mean)
    try container.encode(standardDeviation, forKey: .standardDeviation)
    try container.encode(zeros, forKey: .zeros)
    try container.encode(nans, forKey: .nans)
    try container.encode(infinities, forKey: .infinities)
  }
}
