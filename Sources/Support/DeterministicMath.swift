/// Elementary functions that give the same bits on every machine.
///
/// The C library's functions differ between versions. These use only IEEE additions, multiplications, divisions and
/// bit patterns, in a fixed order. The relative error is below 1e-14.
public enum DeterministicMath {
  /// eˣ; +∞ above 709.78; below −708 it underflows gradually to 0.
  ///
  /// x = k·ln 2 + r with |r| ≤ ½ ln 2, and eʳ by its Taylor polynomial of degree 13.
  public static func exp(_ x: Double) -> Double {
    guard !x.isNaN else { return x }
    guard x < 709.79 else { return .infinity }
    guard x > -746 else { return 0 }
    let k = (x * 1.442695040888963407).rounded(.toNearestOrEven)
    let r = (x - k * ln2High) - k * ln2Low
    var sum = inverseFactorials[13]
    for n in stride(from: 12, through: 0, by: -1) { sum = sum * r + inverseFactorials[n] }
    // Two exact factors, because 2ᵏ itself may be outside the range of normal numbers.
    let half = Int(k) / 2
    return sum * powerOfTwo(half) * powerOfTwo(Int(k) - half)
  }

  /// The natural logarithm; −∞ at 0, NaN for negative x.
  public static func log(_ x: Double) -> Double {
    guard x > 0 else { return x == 0 ? -.infinity : .nan }
    guard x < .infinity else { return x }
    var mantissa = x.significand
    var exponent = Double(x.exponent)
    if mantissa > 1.4142135623730951 {
      mantissa *= 0.5
      exponent += 1
    }
    let tail = twiceArtanh((mantissa - 1) / (mantissa + 1))
    return exponent * ln2High + (tail + exponent * ln2Low)
  }

  /// log(1 + x), accurate to the last digits near 0.
  public static func log1p(_ x: Double) -> Double {
    abs(x) < 0.25 ? twiceArtanh(x / (2 + x)) : log(1 + x)
  }

  /// x to the n-th by squaring.
  public static func power(_ x: Double, _ n: Int) -> Double {
    var (result, square, rest) = (1.0, x, n)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }

  /// eˣ − 1 − x, which is never negative; the k3 estimator of KL uses it.
  public static func expRemainder(_ x: Double) -> Double {
    guard abs(x) < 0.5 else { return exp(x) - 1 - x }
    var sum = inverseFactorials[15]
    for n in stride(from: 14, through: 2, by: -1) { sum = sum * x + inverseFactorials[n] }
    return sum * x * x
  }

  /// σ(x) = 1 / (1 + e⁻ˣ)
  public static func sigmoid(_ x: Double) -> Double {
    let e = exp(-abs(x))
    return x >= 0 ? 1 / (1 + e) : e / (1 + e)
  }

  /// log(1 + eˣ) = −log σ(−x), without overflow.
  public static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// cos(πx); exact at every multiple of ½.
  public static func cosinePi(_ x: Double) -> Double {
    let turn = abs(x).truncatingRemainder(dividingBy: 2)  // [0, 2), exact
    let half = turn > 1 ? 2 - turn : turn  // cosine is even about π
    guard half <= 0.5 else { return -cosinePi(1 - half) }
    // Near ½, taking the sine of the small difference keeps the relative accuracy.
    return half <= 0.25
      ? alternating(.pi * half, from: 0) : alternating(.pi * (0.5 - half), from: 1)
  }

  /// sin x and cos x for |x| ≤ 2²⁰, each within 1e-15.
  ///
  /// x = n·π/2 + r with |r| ≤ π/4. π/2 is split into three parts; the first two have so few bits that their products
  /// with n are exact.
  public static func sineAndCosine(_ x: Double) -> (sine: Double, cosine: Double) {
    let n = (x * 0x1.45f306dc9c883p-1).rounded(.toNearestOrEven)
    let r = x - n * 0x1.921fb54400000p+0 - n * 0x1.0b4611a600000p-34 - n * 0x1.3198a2e037073p-69
    let (sine, cosine) = (alternating(r, from: 1), alternating(r, from: 0))
    return switch Int(n) & 3 {
    case 0: (sine, cosine)
    case 1: (cosine, -sine)
    case 2: (-sine, -cosine)
    default: (-cosine, sine)
    }
  }

  private static let ln2High = Double(bitPattern: 0x3FE6_2E42_FEE0_0000)
  private static let ln2Low = Double(bitPattern: 0x3DEA_39EF_3579_3C76)

  /// 1/n! for n in 0…18.
  private static let inverseFactorials: [Double] = {
    var factorial = 1.0  // exact up to 18!
    return (0...18).map { n in
      if n > 0 { factorial *= Double(n) }
      return 1 / factorial
    }
  }()

  private static func powerOfTwo(_ exponent: Int) -> Double {
    Double(bitPattern: UInt64(1023 + exponent) << 52)
  }

  /// 2·artanh(s) = 2s·(1 + s²/3 + s⁴/5 + …), |s| ≤ 0.172.
  private static func twiceArtanh(_ s: Double) -> Double {
    let square = s * s
    var sum = 0.0
    for n in stride(from: 25, through: 3, by: -2) { sum = (sum + 1 / Double(n)) * square }
    return 2 * (s + s * sum)
  }

  /// Σ ± tⁿ/n! over n = first, first + 2, …: cosine from 0, sine from 1; |t| ≤ π/4.
  private static func alternating(_ t: Double, from first: Int) -> Double {
    let square = t * t
    var sum = 0.0
    for n in stride(from: first + 16, through: first, by: -2) {
      sum = inverseFactorials[n] - sum * square
    }
    return first == 0 ? sum : sum * t
  }
}
