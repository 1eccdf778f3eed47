import CSupport
import Support

extension TensorRecord {
  /// The first value that no computation may use: its offset in the tensor's extent, and what is wrong with it.
  func firstBadValue(_ extent: UnsafeRawBufferPointer) -> (offset: Int, what: String)? {
    if let element = type.element {
      let values = StoredFloats(element, UnsafeMutableRawPointer(mutating: extent.baseAddress!))
      return values.firstNonFinite(count: bytes / element.bytes).map {
        (element.bytes * $0, "a value is \(values[$0])")
      }
    }
    for row in stride(from: 0, to: dims[0], by: PackedRows.count) {
      let rows = PackedRows(self, extent, first: row)
      if !rows.areSound, let found = rows.firstBadCode() { return found }
    }
    return firstBadFactor(extent)
  }

  /// The first factor of an int8 tensor that is not a power of two from 2⁻³² to 2³², in the same form.
  func firstBadFactor(_ extent: UnsafeRawBufferPointer) -> (offset: Int, what: String)? {
    let start = factorOffset - offset
    for column in 0..<dims[1] {
      let factor = Float(bitPattern: extent.u32(start + 4 * column))
      // A power of two has a positive sign and no fraction bits.
      let isPower = factor.sign == .plus && factor.significandBitPattern == 0
      if isPower && (0x1p-32...0x1p32).contains(factor) { continue }
      return (
        start + 4 * column, "the factor of column \(column) is \(factor), not a power of two from 2⁻³² to 2³²")
    }
    return nil
  }
}

/// Up to 16 rows of an int8 tensor, which are stored together: `[⌈K/4⌉][16][4]`.
struct PackedRows {
  static let count = 16

  let tensor: TensorRecord
  let extent: UnsafeRawBufferPointer
  /// The first row; a multiple of 16.
  let first: Int

  init(_ tensor: TensorRecord, _ extent: UnsafeRawBufferPointer, first: Int) {
    self.tensor = tensor
    self.extent = extent
    self.first = first
  }

  private var blocks: Int { (tensor.dims[1] + 3) / 4 }
  private var codesOffset: Int { first * blocks * 4 }
  private func scaleOffset(_ row: Int) -> Int { tensor.scaleOffset - tensor.offset + 4 * row }
  private func sumOffset(_ row: Int) -> Int { tensor.rowSumOffset - tensor.offset + 4 * row }

  private func scale(_ row: Int) -> Float { Float(bitPattern: extent.u32(scaleOffset(row))) }
  private func isSound(scale: Float) -> Bool { scale.isFinite && scale > 0 }

  /// Whether `firstBadCode` would find nothing; faster, because it does not locate the error.
  var areSound: Bool {
    let codes = extent.baseAddress!.assumingMemoryBound(to: Int8.self) + codesOffset
    let rows = min(Self.count, tensor.dims[0] - first)
    return withUnsafeTemporaryAllocation(of: Int32.self, capacity: Self.count) { sums in
      if ts_packed_sums(codes, blocks, sums.baseAddress!) != 0 { return false }
      for row in 0..<rows {
        let stated = Int32(bitPattern: extent.u32(sumOffset(first + row)))
        if stated != sums[row] || !isSound(scale: scale(first + row)) { return false }
      }
      return isPaddingZero(codes, rows)
    }
  }

  private func isPaddingZero(_ codes: UnsafePointer<Int8>, _ rows: Int) -> Bool {
    for block in 0..<(rows < Self.count ? blocks : 0) {
      for at in 4 * rows..<64 where codes[64 * block + at] != 0 { return false }
    }
    for lane in tensor.dims[1] - 4 * (blocks - 1)..<4 {
      for row in 0..<Self.count where codes[64 * (blocks - 1) + 4 * row + lane] != 0 { return false }
    }
    return true
  }

  /// The first error, row by row: codes, then scale, then row sum.
  func firstBadCode() -> (offset: Int, what: String)? {
    let codes = extent.assumingMemoryBound(to: Int8.self)
    for row in first..<first + Self.count {
      var sum: Int32 = 0
      for column in 0..<4 * blocks {
        let at = codesOffset + (column / 4 * Self.count + row % Self.count) * 4 + column % 4
        if codes[at] == -128 { return (at, "a code is -128") }
        if codes[at] != 0, row >= tensor.dims[0] || column >= tensor.dims[1] {
          return (at, "a padding code is \(codes[at])")
        }
        sum &+= Int32(codes[at])
      }
      guard row < tensor.dims[0] else { continue }
      guard isSound(scale: scale(row)) else {
        return (scaleOffset(row), "the scale of row \(row) is \(scale(row))")
      }
      guard extent.u32(sumOffset(row)) == UInt32(bitPattern: sum) else {
        return (sumOffset(row), "the stored sum of row \(row) differs from the sum of its codes, \(sum)")
      }
    }
    return nil
  }
}
