/// The rule by which tensors lie in a section, for code that must compute the same offsets.
public enum Placement {
  /// Tensors of `byteCounts` bytes, one after another, each at the next multiple of 256.
  /// - Returns: each one's offset from the section's start, and the section's bytes: the end of
  ///   the last one.
  public static func offsets(_ byteCounts: [Int]) -> (offsets: [Int], total: Int) {
    var total = 0
    let offsets = byteCounts.map { bytes in
      let offset = Format.roundUp(total, to: Format.tensorAlignment)
      total = offset + bytes
      return offset
    }
    return (offsets, total)
  }
}
