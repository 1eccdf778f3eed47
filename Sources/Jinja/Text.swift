/// A Unicode text of which every scalar says where it came from. Python indexes by code points, so this
/// does too. Equality and hash see the scalars only.
public struct Text: Equatable, Hashable, Sendable {
  /// Bits 0…20 hold the scalar value, bits 21…30 the origin, bit 31 whether it was generated.
  var units: [UInt32]
  /// Whether `escape` or `safe` made it: what is added to such a text is escaped.
  var isMarkup = false

  static let scalarMask: UInt32 = 0x1F_FFFF
  static let originShift: UInt32 = 21
  static let generationBit: UInt32 = 1 << 31
  /// The greatest origin; a greater one counts as this.
  public static let maximumOrigin = 1023

  init(units: [UInt32], isMarkup: Bool = false) {
    self.units = units
    self.isMarkup = isMarkup
  }

  init(_ units: ArraySlice<UInt32>) { self.units = Array(units) }

  /// - Parameter origin: 0 is the template itself; 1 to 1023 are the caller's to choose.
  public init(_ string: String, origin: Int = 0) {
    let mark = UInt32(max(0, min(origin, Text.maximumOrigin))) << Text.originShift
    units = string.unicodeScalars.map { $0.value | mark }
  }

  public var string: String {
    var text = ""
    for unit in units { text.unicodeScalars.append(Text.scalar(unit)) }
    return text
  }

  /// How many scalars there are.
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

  /// Another scalar in the place of `unit`, from the same origin.
  static func unit(_ scalar: UInt32, like unit: UInt32) -> UInt32 { scalar | (unit & ~scalarMask) }

  /// Whether the scalars of `units` from `start` on are those of `other`.
  func matches(_ other: [UInt32], at start: Int) -> Bool {
    guard start >= 0, start + other.count <= units.count else { return false }
    for index in other.indices where (units[start + index] ^ other[index]) & Text.scalarMask != 0 {
      return false
    }
    return true
  }

  /// Whether the scalars of the text come before those of `other`, by their values.
  func precedes(_ other: Text) -> Bool {
    units.lazy.map(Text.value).lexicographicallyPrecedes(other.units.lazy.map(Text.value))
  }

  /// The same scalars, all marked as generated.
  func generated() -> [UInt32] { units.map { $0 | Text.generationBit } }

  func slice(_ range: Range<Int>) -> Text { Text(units: Array(units[range]), isMarkup: isMarkup) }

  func with(_ units: [UInt32]) -> Text { Text(units: units, isMarkup: isMarkup) }
}

extension Text {
  /// A longest part of one origin that is generated, or is not.
  public struct Run: Equatable, Sendable {
    public var text: String
    public var origin: Int
    public var isGeneration: Bool

    public init(text: String, origin: Int, isGeneration: Bool) {
      (self.text, self.origin, self.isGeneration) = (text, origin, isGeneration)
    }
  }

  /// The text in runs of equal origin and generation, in order.
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
