import CSupport

/// A counter-based random stream: its n-th word depends only on (seed, purpose, index, n).
///
/// Two streams never share state, so the draws of one sequence do not depend on its batch.
/// Philox 4×32-10, Salmon et al. 2011.
public struct RandomStream: Sendable {
  private let key: (UInt32, UInt32)
  private let stream: (UInt32, UInt32)
  /// The number of words drawn so far. Set it to continue a stream from that point.
  public var counter: UInt64 = 0
  private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var cachedBlock = UInt64.max

  /// - Parameters:
  ///   - seed: the run's seed.
  ///   - purpose: what is drawn, e.g. `"ppo/rollout"`.
  ///   - index: the number of the stream for this purpose, e.g. the global episode number.
  public init(seed: UInt64, purpose: String, index: UInt64 = 0) {
    // A stream for every sample begins here, so it takes no array.
    var purpose = purpose
    let name = purpose.withUTF8 { Hash.xxh64(UnsafeRawBufferPointer($0)) }
    let mixed = withUnsafeBytes(of: (seed.littleEndian, name.littleEndian, index.littleEndian)) {
      Hash.xxh64($0)
    }
    key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    stream = (UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32))
  }

  /// The next 32 random bits.
  public mutating func next() -> UInt32 {
    let block = counter >> 2
    if block != cachedBlock { compute(block) }
    defer { counter += 1 }
    switch counter & 3 {
    case 0: return words.0
    case 1: return words.1
    case 2: return words.2
    default: return words.3
    }
  }

  private mutating func compute(_ block: UInt64) {
    let input = (
      UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), stream.0, stream.1
    )
    withUnsafeBytes(of: input) { input in
      withUnsafeBytes(of: key) { key in
        withUnsafeMutableBytes(of: &words) { words in
          ts_philox(
            input.bindMemory(to: UInt32.self).baseAddress!,
            key.bindMemory(to: UInt32.self).baseAddress!,
            words.bindMemory(to: UInt32.self).baseAddress!)
        }
      }
    }
    cachedBlock = block
  }

  /// Uniform on [0, 1), 24 bits.
  public mutating func uniform() -> Float { Float(next() >> 8) * 0x1p-24 }

  /// Uniform on 0..<bound, without bias.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0 && bound <= Int(UInt32.max), "below(\(bound))")
    let limit = UInt32.max - UInt32(UInt64(UInt32.max) + 1 - UInt64(bound)) % UInt32(bound)
    while true {
      let word = next()
      if word <= limit { return Int(word % UInt32(bound)) }
    }
  }

  /// Standard normal: the sum of twelve uniforms minus six, exact on every machine (no libm).
  /// Its tails end at ±6, which makes no difference for initialisation and label noise.
  public mutating func normal() -> Float {
    var sum: Float = -6
    for _ in 0..<12 { sum += uniform() }
    return sum
  }

  /// A uniformly random element. `items` must not be empty.
  public mutating func pick<C: RandomAccessCollection>(_ items: C) -> C.Element {
    items[items.index(items.startIndex, offsetBy: below(items.count))]
  }

  /// Fisher–Yates shuffle. Inlined, because a generic swap would allocate.
  @inlinable
  public mutating func shuffle<T>(_ items: inout [T]) {
    guard items.count > 1 else { return }
    for last in stride(from: items.count - 1, to: 0, by: -1) {
      items.swapAt(last, below(last + 1))
    }
  }
}
