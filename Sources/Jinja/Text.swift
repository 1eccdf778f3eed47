/// A Unicode text in which every scalar has an origin. It is indexed by code points, as in Python. Equality and hash
/// consider only the scalars.
public struct Text: Equatable, Hashable, Sendable {
  /// Bits 0…20 hold the scalar value, bits 21…30 the origin, bit 31 whether it was generated.
  var units: [UInt32]
  /// Whether it was made by `escape` or `safe`; text added to it is then escaped.
  var isMarkup = false

  static let scalarMask: UInt32 = 0x1F_FFFF
  static let originShift: UInt32 = 21
  static let generationBit: UInt32 = 1 << 31
  /// The largest origin; greater values count as this one.
  public static let maximumOrigin = 1023

  init(units: [UInt32], isMarkup: Bool = false) {
    self.units = units
    self.isMarkup = isMarkup
  }

  init(_ units: ArraySlice<UInt32>) { self.units = Array(units) }

  /// - Parameter origin: 0 is the template itself; 1 to 1023 are free for the caller.
  public init(_ string: String, origin: Int = 0) {
    let mark = UInt32(max(0, min(origin, Text.maximumOrigin))) << Text.originShift
    units = string.unicodeScalars.map { $0.value | mark }
  }

  public var string: String {
    var text = ""
    for unit in units { text.unicodeScalars.append(Text.scalar(unit)) }
    return text
  }

  /// The number of scalars.
  public var count: Int { units.count }
  public var isEmpty: Bool { units.isEmpty }

  public static func == (left: Text, right: Text) -> Bool {
    left.units.count == right.units.count
      && zip(left.units, right.units).allSatisfy { ($0 ^ $1) & scalarMask == 0 }
  }

  public func hash(into hasher: inout Hasher) {
    for unit in units { hasher.combine(unit & Text.scalarMask) }
  }

  static func scalar(_ unit: UInt32) -> Unicode.Scalar {
    Unicode.Scalar(unit & scalarMask) ?? "\u{FFFD}"
  }

  static func value(_ unit: UInt32) -> UInt32 { unit & scalarMask }

  /// A scalar with the origin of `unit`.
  static func unit(_ scalar: UInt32, like unit: UInt32) -> UInt32 { scalar | (unit & ~scalarMask) }

  /// Whether the scalars of `units` from `start` on equal those of `other`.
  func matches(_ other: [UInt32], at start: Int) -> Bool {
    guard start >= 0, start + other.count <= units.count else { return false }
    for index in other.indices where (units[start + index] ^ other[index]) & Text.scalarMask != 0 {
      return false
    }
    return true
  }

  /// Whether the text sorts before `other` by scalar values.
  func precedes(_ other: Text) -> Bool {
    units.lazy.map(Text.value).lexicographicallyPrecedes(other.units.lazy.map(Text.value))
  }

  /// The same scalars, marked as generated.
  func generated() -> [UInt32] { units.map { $0 | Text.generationBit } }

  func slice(_ range: Range<Int>) -> Text { Text(units: Array(units[range]), isMarkup: isMarkup) }

  func with(_ units: [UInt32]) -> Text { Text(units: units, isMarkup: isMarkup) }
}

extension Text {
  /// A maximal run of scalars with the same origin and the same generation mark.
  public struct Run: Equatable, Sendable {
    public var text: String
    public var origin: Int
    public var isGeneration: Bool

    public init(text: String, origin: Int, isGeneration: Bool) {
      (self.text, self.origin, self.isGeneration) = (text, origin, isGeneration)
    }
  }

  /// The text as runs of equal origin and generation mark, in order.
  public var runs: [Run] {
    var runs: [Run] = []
    var start = 0
    while start < units.count {
      let mark = units[start] & ~Text.scalarMask
      let end = units[start...].firstIndex { $0 & ~Text.scalarMask != mark } ?? units.count
      runs.append(
        Run(
          text: Text(units[start..<end]).string, origin: Text.origin(mark),
          isGeneration: mark & Text.generationBit != 0))
      start = end
    }
    return runs
  }

  private static func origin(_ unit: UInt32) -> Int {
    Int((unit & ~generationBit) >> originShift)
  }
}
