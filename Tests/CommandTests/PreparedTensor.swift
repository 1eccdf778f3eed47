import Checkpoints
import Support

/// An int8 tensor of noise, and the weights that it stands for as FORMAT.md defines them: in float64, where
/// nothing rounds, one element of a block after another.
struct PreparedTensor {
  let rows: Int
  let columns: Int
  let codes: [Int8]
  let scales: [Float]
  var factors: [Float]

  init(_ rows: Int, _ columns: Int) {
    var random = RandomStream(seed: 7, purpose: "prepared", index: UInt64(1000 * rows + columns))
    (self.rows, self.columns) = (rows, columns)
    codes = (0..<rows * columns).map { _ in Int8(random.below(255) - 127) }
    scales = (0..<rows).map { _ in 0.01 * abs(random.normal()) + 1e-6 }
    factors = (0..<columns).map { _ in Float(sign: .plus, exponent: random.below(65) - 32, significand: 1) }
  }

  /// Row by row.
  var weights: [Float] {
    (0..<rows).flatMap { row in
      var mixed = codes[row * columns..<(row + 1) * columns].map(Double.init)
      for start in blocks.reversed() { mix(&mixed, at: start) }
      return zip(mixed, factors).map { Float($0 * Double($1) * Double(scales[row])) }
    }
  }

  private var order: Int { columns >= 64 ? 64 : columns >= 16 ? 16 : 1 }

  /// Where blocks begin, as the rotation applies them; the inverse begins with the last.
  private var blocks: [Int] {
    let whole = Array(stride(from: 0, through: columns - order, by: order))
    return columns % order == 0 ? whole : whole + [columns - order]
  }

  private func mix(_ values: inout [Double], at start: Int) {
    let old = Array(values[start..<start + order])
    for i in 0..<order {
      let sum = (0..<order).reduce(0.0) { $0 + ((i & $1).nonzeroBitCount % 2 == 0 ? old[$1] : -old[$1]) }
      values[start + i] = sum / Double(order).squareRoot()
    }
  }

  private var packed: [Int8] {
    let blocks = (columns + 3) / 4
    var packed = [Int8](repeating: 0, count: (rows + 15) / 16 * blocks * 64)
    for (index, code) in codes.enumerated() {
      let (n, k) = (index / columns, index % columns)
      packed[((n / 16 * blocks + k / 4) * 16 + n % 16) * 4 + k % 4] = code
    }
    return packed
  }

  var source: TensorSource {
    let sums = (0..<rows).map { row in
      codes[row * columns..<(row + 1) * columns].reduce(Int32(0)) { $0 + Int32($1) }
    }
    return TensorSource(
      section: .weights, role: .policy, name: "prepared", dims: [rows, columns], type: .int8
    ) { [packed, scales, factors] put in
      try packed.withUnsafeBytes(put)
      try scales.withUnsafeBytes(put)
      try sums.withUnsafeBytes(put)
      try factors.withUnsafeBytes(put)
    }
  }
}
