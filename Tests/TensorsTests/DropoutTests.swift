import CKernels
import Testing

@Suite struct DropoutTests {
  /// Philox 4×32-10, as its authors write it.
  private static func philox(_ counter: [UInt32], _ key: (UInt32, UInt32)) -> [UInt32] {
    var c = counter, k = key
    for _ in 0..<10 {
      let left = UInt64(0xD251_1F53) * UInt64(c[0]), right = UInt64(0xCD9E_8D57) * UInt64(c[2])
      c = [
        UInt32(right >> 32) ^ c[1] ^ k.0, UInt32(truncatingIfNeeded: right),
        UInt32(left >> 32) ^ c[3] ^ k.1, UInt32(truncatingIfNeeded: left),
      ]
      k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
    }
    return c
  }

  private static let key: (UInt32, UInt32) = (0xDEAD_BEEF, 42)

  private func arguments(
    _ x: UnsafePointer<Float>, _ from: UnsafePointer<Float>?, _ y: UnsafeMutablePointer<Float>,
    rows: Int, width: Int, first: Int, probability: Double
  ) -> tk_dropout_args {
    tk_dropout_args(
      rows: Int64(rows), width: Int64(width), x: x, from: from, y: y, key: Self.key, site: 3,
      threshold: UInt32(probability * 0x1p32), first_row: Int64(first),
      scale: Float(1 / (1 - probability)))
  }

  @Test("an element is kept by the word that its place draws, and scaled, for every tail")
  func definition() {
    for (width, first) in [(1, 0), (16, 7), (63, 1 << 33), (64, 5), (65, 0), (200, 2)] {
      let rows = 3
      let x = normals(rows * width, "x"), from = normals(rows * width, "from")
      let got = everywhere { s in
        let (bx, bf) = (s.floats(x), s.floats(from))
        let inPlace = s.floats(from)
        s.run(
          tk_dropout,
          arguments(
            bx.readOnly, inPlace.readOnly, inPlace.pointer, rows: rows, width: width, first: first,
            probability: 0.25))
        s.run(
          tk_dropout,
          arguments(
            bx.readOnly, bf.readOnly, bf.pointer, rows: rows, width: width, first: first,
            probability: 0.25))
        #expect(inPlace.values == bf.values)
        return bf.values
      }
      let want = (0..<rows * width).map { i -> Float in
        let (row, j) = (UInt64(first + i / width), i % width)
        let words = Self.philox(
          [
            UInt32(16 * (j / 64) + j % 16), UInt32(truncatingIfNeeded: row), UInt32(row >> 32), 3,
          ], Self.key)
        let isKept = words[j % 64 / 16] >= 1 << 30
        return isKept ? from[i] + x[i] * Float(1 / 0.75) : from[i]
      }
      #expect(got == want, "width \(width)")
    }
  }

  @Test("the share that is left out is the probability, and the mean stays")
  func share() {
    let (rows, width) = (400, 250)
    for probability in [0.1, 0.5] {
      let s = Setting()
      let ones = s.filled(rows * width, 1)
      let y = s.zeros(rows * width)
      s.run(
        tk_dropout,
        arguments(
          ones.readOnly, nil, y.pointer, rows: rows, width: width, first: 0, probability: probability))
      let kept = y.values.filter { $0 != 0 }.count
      // Six standard deviations of 100,000 draws.
      let deviation = (probability * (1 - probability) / Double(rows * width)).squareRoot()
      #expect(abs(Double(kept) / Double(rows * width) - (1 - probability)) < 6 * deviation)
      let mean = y.values.reduce(0) { $0 + Double($1) } / Double(rows * width)
      #expect(abs(mean - 1) < 6 * deviation / (1 - probability))
    }
  }
}
