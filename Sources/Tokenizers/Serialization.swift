import Support

/// The binary form, little-endian. Version 1 is for tokenizers that tinyrlhf trains:
///
///     0   4 bytes   "TRBP"
///     4   u8        version, 1
///     5   u8        width w of an id in bytes: 2 for a vocabulary of at most 65,536, else 4
///     6   u16       0
///     8   u32       number M of merges
///     12  M × 2w    the left and the right id of each merge; merge i makes id 260 + i
///
/// Version 3 is for all other tokenizers and holds a `TokenizerDefinition`. Version 2 can still be read; it has a
/// different chat format, without templates: see `ChatFormat.init(version2:tokens:at:)`.
///
///     0   4 bytes   "TRBP"
///     4   u8        version, 3
///     5   u8        splitting: the raw value in `TokenizerDefinition.Splitting`
///     6   u8        normalisation: the raw value in `TokenizerDefinition.Normalization`
///     7   u8        flags: 1 ignores merges, 2 falls back to bytes, 4 fuses unknown characters,
///                   8 has a token for unknown characters
///     8   u32       that token, or 0
///     12  u32       number of ids
///     16  u32       number T of tokens
///     20  u32       number M of merges
///     24  u32       bytes C of the chat format
///     28  T × 8     for each token: u32 id, ascending; u16 length; u8 traits; u8 0
///         …         the bytes of all tokens
///         M × 12    for each merge: u32 left, right and result
///         C         the chat format: see `ChatFormat.serialized`
extension Tokenizer {
  static let magic = Array("TRBP".utf8)
  private static let headerBytes = 12
  static let remedy = "Copy the file again; it was damaged."

  /// Everything needed to recreate this tokenizer. Equal tokenizers give equal bytes.
  public var serialized: [UInt8] {
    guard isTrained else { return definition.serialized() }
    let width = Self.width(merges: merges.count)
    var output = Self.magic + [1, UInt8(width), 0, 0]
    func append(_ value: Int, width: Int) {
      for byte in 0..<width { output.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    append(merges.count, width: 4)
    for merge in merges {
      append(Int(merge.left), width: width)
      append(Int(merge.right), width: width)
    }
    return output
  }

  /// - Throws: `Failure(.badData)` if the bytes are not exactly the `serialized` form of a tokenizer: a wrong length,
  ///   a merge of an id that does not exist yet, two equal tokens.
  public init(serialized data: [UInt8], at place: String = "tokenizer") throws {
    func number(at offset: Int, width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(data[offset + $1]) << (8 * $1) }
    }
    guard data.count >= Self.headerBytes, Array(data[..<4]) == Self.magic else {
      throw Failure(.badData, "this is not a tokenizer", at: place, remedy: Self.remedy)
    }
    switch data[4] {
    case 1: break
    case 2, 3:
      try self.init(TokenizerDefinition(serialized: data, at: place), at: place)
      return
    default:
      throw Failure(
        .badData, "this tokenizer has version \(data[4]); this program reads versions 1 to 3", at: place,
        remedy: "Use a newer tinyrlhf.")
    }
    let count = number(at: 8, width: 4)
    let width = Self.width(merges: count)
    guard Int(data[5]) == width, data[6] == 0, data[7] == 0,
      data.count == Self.headerBytes + count * 2 * width
    else {
      throw Failure(
        .badData, "the header of the tokenizer does not match its \(data.count) bytes", at: place,
        remedy: Self.remedy)
    }
    let merges = (0..<count).map { index in
      let offset = Self.headerBytes + index * 2 * width
      return Merge(
        Int32(truncatingIfNeeded: number(at: offset, width: width)),
        Int32(truncatingIfNeeded: number(at: offset + width, width: width)))
    }
    self.init(validated: merges, bytes: try Self.checkedBytes(of: merges, at: place))
  }

  private static func width(merges: Int) -> Int {
    merges + Int(firstMerge) <= 65_536 ? 2 : 4
  }

  /// The bytes of the special tokens, which are empty, and of the 256 byte tokens.
  private static let basicTokens: [[UInt8]] =
    SpecialToken.allCases.map { _ in [] } + (0...255).map { [UInt8($0)] }

  /// The bytes of every token.
  /// - Throws: `Failure(.badData)` at the first invalid merge.
  static func checkedBytes(of merges: [Merge], at place: String) throws -> [[UInt8]] {
    var tokens = basicTokens
    tokens.reserveCapacity(tokens.count + merges.count)
    // A merge makes two or more bytes, so it can only repeat another merge.
    var seen: Set<[UInt8]> = []
    for (index, merge) in merges.enumerated() {
      for part in [merge.left, merge.right] where part < firstByte || part >= tokens.count {
        throw Failure(
          .badData, "merge \(index) uses id \(part), which is not a token before it", at: place,
          remedy: remedy)
      }
      let joined = tokens[Int(merge.left)] + tokens[Int(merge.right)]
      guard joined.count <= longestToken else {
        throw Failure(
          .badData, "merge \(index) makes a token of \(joined.count) bytes; the limit is \(longestToken)",
          at: place, remedy: remedy)
      }
      guard seen.insert(joined).inserted else {
        throw Failure(.badData, "merge \(index) makes a token that exists already", at: place,
          remedy: remedy)
      }
      tokens.append(joined)
    }
    return tokens
  }
}
