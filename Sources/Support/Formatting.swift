/// Formats numbers for people (fixed decimals, bytes, durations) without `String(format:)`.
public enum Formatting {
  /// `fixed(3.14159, 2)` is "3.14". Non-finite values give "nan", "inf", "-inf".
  public static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (abs(value) * scale).rounded(.toNearestOrEven)
    guard scaled < 9e15 else { return "\(value)" }
    let whole = Int64(scaled)
    var digits = String(whole)
    while digits.count <= decimals { digits = "0" + digits }
    let sign = value < 0 && whole != 0 ? "-" : ""
    guard decimals > 0 else { return sign + digits }
    return sign + digits.dropLast(decimals) + "." + digits.suffix(decimals)
  }

  /// `bytes(12_345_678)` is "12.3 MB": 1 kB is 1000 bytes, 1 MB 10⁶, 1 GB 10⁹.
  public static func bytes(_ count: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    var value = Double(count)
    var unit = 0
    // A value that would round to 1000.0 takes the next unit.
    while abs(value) >= (unit == 0 ? 1000 : 999.95) && unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(fixed(value, 1)) \(units[unit])"
  }

  /// `duration(3725)` is "1:02:05"; under an hour the form is "m:ss". Negative and non-finite values give "0:00".
  public static func duration(_ seconds: Double) -> String {
    let total = Int(nearest: seconds.isFinite ? max(0, seconds) : 0)
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
  }
}

/// 64-bit identifiers and hashes as text.
public enum Hexadecimal {
  /// Sixteen lower-case digits.
  public static func text(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
