import CKernels
import Testing

@Suite struct NormTests {
  static let epsilon: Float = 1e-5

  /// y, then mean, then rstd.
  private func forward(
    _ x: [Float], _ gamma: [Float], _ beta: [Float]?, rms: Bool, unitOffset: Bool, _ s: Setting
  ) -> [Float] {
    let width = gamma.count, rows = x.count / width
    let (bx, bg, bb) = (s.floats(x), s.floats(gamma), beta.map(s.floats))
    let (y, mean, rstd) = (s.zeros(x.count), s.zeros(rows), s.zeros(rows))
    s.run(
      tk_norm,
      tk_norm_args(
        rows: Int64(rows), width: Int64(width), x: bx.readOnly, gamma: bg.readOnly,
        beta: bb?.readOnly, epsilon: Self.epsilon, rms: rms ? 1 : 0, unit_offset: unitOffset ? 1 : 0,
        y: y.pointer, mean: mean.pointer, rstd: rstd.pointer))
    return y.values + mean.values + rstd.values
  }

  private func reference(
    _ x: [Double], _ gamma: [Double], _ beta: [Double]?, rms: Bool, unitOffset: Bool
  ) -> [Double] {
    let width = gamma.count, scale = gamma.map { unitOffset ? 1 + $0 : $0 }
    var y: [Double] = [], means: [Double] = [], rstds: [Double] = []
    for row in 0..<(x.count / width) {
      let r = Array(x[row * width..<(row + 1) * width])
      let mean = rms ? 0 : r.reduce(0, +) / Double(width)
      let variance = r.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      let rstd = 1 / (variance + Double(Self.epsilon)).squareRoot()
      y += r.indices.map { (r[$0] - mean) * rstd * scale[$0] + (beta?[$0] ?? 0) }
      means.append(mean)
      rstds.append(rstd)
    }
    return y + means + rstds
  }

  @Test(
    "both norms equal their definition for every width from 1 to 70",
    arguments: [false, true], [false, true])
  func forwardIsTheDefinition(rms: Bool, unitOffset: Bool) {
    for width in Array(1...70) + [100, 192, 1000] {
      let x = normals(5 * width, "x\(width)"), gamma = normals(width, "gamma")
      let beta = rms || width % 3 == 0 ? nil : normals(width, "beta")
      let got = everywhere { forward(x, gamma, beta, rms: rms, unitOffset: unitOffset, $0) }
      let want = reference(doubles(x), doubles(gamma), beta.map(doubles), rms: rms, unitOffset: unitOffset)
      // One width is all rounding: its variance is 0 and rstd 1/√ε multiplies the mean's error.
      expectClose(got, want, 1e-5, "width \(width)")
    }
  }

  /// dx, dgamma, dbeta, each added to 1. The forward pass's output must come back.
  private func backward(
    _ dy: [Float], _ x: [Float], _ gamma: [Float], rms: Bool, unitOffset: Bool, _ s: Setting
  ) -> [Float] {
    let width = gamma.count, rows = x.count / width
    let ahead = forward(x, gamma, gamma, rms: rms, unitOffset: unitOffset, s)
    let statistics = ahead.suffix(2 * rows)
    let (mean, rstd) = (s.floats(Array(statistics.prefix(rows))), s.floats(statistics.suffix(rows)))
    let (bx, bg, bdy) = (s.floats(x), s.floats(gamma), s.floats(dy))
    let (dx, dgamma, dbeta) = (s.filled(x.count, 1), s.filled(width, 1), s.filled(width, 1))
    let y = s.zeros(x.count)
    let arguments = tk_norm_backward_args(
      rows: Int64(rows), width: Int64(width), dy: bdy.readOnly, x: bx.readOnly,
      gamma: bg.readOnly, mean: mean.readOnly, rstd: rstd.readOnly, rms: rms ? 1 : 0,
      unit_offset: unitOffset ? 1 : 0, dx: dx.pointer, beta: bg.readOnly, y: y.pointer,
      dgamma: dgamma.pointer, dbeta: dbeta.pointer)
    s.run(tk_norm_backward_input, arguments)
    #expect(y.values == Array(ahead.prefix(x.count)))
    s.run(tk_norm_backward_parameters, arguments)
    return dx.values + dgamma.values + dbeta.values
  }

  @Test(
    "gradients equal finite differences, and are added", arguments: [false, true], [false, true])
  func backwardIsTheGradient(rms: Bool, unitOffset: Bool) {
    for width in [2, 5, 15, 16, 17, 33, 70, 100] {
      let rows = 4
      let x = normals(rows * width, "x"), gamma = normals(width, "gamma")
      let dy = normals(rows * width, "dy")
      let got = everywhere { backward(dy, x, gamma, rms: rms, unitOffset: unitOffset, $0) }
      let parameters = doubles(x) + doubles(gamma) + [Double](repeating: 0, count: width)
      let want = slopes(
        of: { p in
          let y = reference(
            Array(p[..<x.count]), Array(p[x.count..<(x.count + width)]),
            Array(p[(x.count + width)...]), rms: rms, unitOffset: unitOffset)
          return dot(doubles(dy), Array(y.prefix(x.count)))
        }, at: parameters)
      expectClose(got, want.map { $0 + 1 }, 2e-5, "width \(width)")
    }
  }

  @Test("a row's parameter gradients continue one chain: two calls equal one")
  func rowsContinue() {
    let width = 24, half = 3 * width
    let x = normals(6 * width, "x"), dy = normals(6 * width, "dy")
    let ones = [Float](repeating: 1, count: 6)
    func gradient(_ calls: [Range<Int>]) -> [Float] {
      let s = Setting()
      let (dgamma, dbeta, zero, one) = (s.zeros(width), s.zeros(width), s.zeros(6), s.floats(ones))
      for call in calls {
        let (bx, bdy) = (s.floats(Array(x[call])), s.floats(Array(dy[call])))
        s.run(
          tk_norm_backward_parameters,
          tk_norm_backward_args(
            rows: Int64(call.count / width), width: Int64(width), dy: bdy.readOnly,
            x: bx.readOnly, gamma: nil, mean: zero.readOnly, rstd: one.readOnly, rms: 0, unit_offset: 0,
            dx: nil, beta: nil, y: nil, dgamma: dgamma.pointer, dbeta: dbeta.pointer))
      }
      return dgamma.values + dbeta.values
    }
    #expect(gradient([0..<half, half..<x.count]) == gradient([0..<x.count]))
  }

  @Test(
    "a unit offset has the bits of the norm whose gamma is 1 + gamma, and so have its gradients",
    arguments: [false, true])
  func unitOffset(rms: Bool) {
    for width in [1, 15, 16, 17, 100] {
      let x = normals(3 * width, "x"), dy = normals(3 * width, "dy"), gamma = normals(width, "gamma")
      let moved = gamma.map { 1 + $0 }
      _ = everywhere { s in
        let ahead = forward(x, gamma, nil, rms: rms, unitOffset: true, s)
        #expect(ahead == forward(x, moved, nil, rms: rms, unitOffset: false, s))
        let shifted = forward(x, gamma, Array(dy.prefix(width)), rms: rms, unitOffset: true, s)
        #expect(shifted == forward(x, moved, Array(dy.prefix(width)), rms: rms, unitOffset: false, s))
        let back = backward(dy, x, gamma, rms: rms, unitOffset: true, s)
        #expect(back == backward(dy, x, moved, rms: rms, unitOffset: false, s))
        return ahead + back
      }
    }
  }

  /// Heads of `dim` side by side, at the beginning of rows that are `spare` longer: y and rstd, and
  /// then dx and dgamma.
  private func heads(
    _ x: [Float], _ dy: [Float], _ gamma: [Float], heads: Int, spare: Int, unitOffset: Bool, _ s: Setting
  ) -> [Float] {
    let (dim, width) = (gamma.count, heads * gamma.count)
    let rows = x.count / width
    func spread(_ values: [Float]) -> [Float] {
      let beside = [Float](repeating: 9, count: spare)
      return (0..<rows).flatMap { row -> [Float] in
        Array(values[row * width..<(row + 1) * width]) + beside
      }
    }
    func gathered(_ values: [Float]) -> [Float] {
      (0..<rows).flatMap { row -> [Float] in
        let row = values[row * (width + spare)..<(row + 1) * (width + spare)]
        #expect(row.suffix(spare).allSatisfy { $0 == 9 }, "what lies beside the heads stays")
        return Array(row.prefix(width))
      }
    }
    let (bx, bg, bdy) = (s.floats(spread(x)), s.floats(gamma), s.floats(spread(dy)))
    let (y, inPlace) = (s.floats(spread(x)), s.floats(spread(x)))
    let (rstd, dgamma) = (s.zeros(rows * heads), s.filled(dim, 1))
    for (from, to) in [(bx, y), (inPlace, inPlace)] {
      s.run(
        tk_head_norm,
        tk_head_norm_args(
          rows: Int64(rows), heads: Int64(heads), head_dim: Int64(dim), x: from.readOnly,
          x_row: Int64(width + spare), gamma: bg.readOnly, epsilon: Self.epsilon,
          unit_offset: unitOffset ? 1 : 0, y: to.pointer, y_row: Int64(width + spare),
          rstd: rstd.pointer))
    }
    #expect(y.values == inPlace.values)
    let arguments = tk_head_norm_backward_args(
      rows: Int64(rows), heads: Int64(heads), head_dim: Int64(dim), x: bx.readOnly,
      x_row: Int64(width + spare), gamma: bg.readOnly, rstd: rstd.readOnly,
      unit_offset: unitOffset ? 1 : 0, dy: bdy.pointer, dy_row: Int64(width + spare),
      dgamma: dgamma.pointer)
    s.run(tk_head_norm_backward_parameters, arguments)
    s.run(tk_head_norm_backward_input, arguments)
    return gathered(y.values) + rstd.values + gathered(bdy.values) + dgamma.values
  }

  @Test(
    "norms of heads, and their gradients, are those of RMSNorm over each head", arguments: [false, true])
  func headNorms(unitOffset: Bool) {
    let shapes = [(4, 3, 0), (15, 2, 1), (16, 2, 5), (17, 2, 0), (33, 1, 16), (6, 5, 1), (128, 2, 128)]
    for (dim, heads, spare) in shapes {
      let rows = 3
      let x = normals(rows * heads * dim, "x"), gamma = normals(dim, "gamma")
      let dy = normals(rows * heads * dim, "dy")
      let got = everywhere {
        self.heads(x, dy, gamma, heads: heads, spare: spare, unitOffset: unitOffset, $0)
      }
      let ahead = reference(
        doubles(x), doubles(gamma), nil, rms: true, unitOffset: unitOffset)
      let wantY = Array(ahead.prefix(x.count)), wantRstd = Array(ahead.suffix(rows * heads))
      let slopes = slopes(
        of: { p in
          let y = self.reference(
            Array(p[..<x.count]), Array(p[x.count...]), nil, rms: true, unitOffset: unitOffset)
          return dot(doubles(dy), Array(y.prefix(x.count)))
        }, at: doubles(x) + doubles(gamma))
      let want = wantY + wantRstd + slopes.prefix(x.count) + slopes.suffix(dim).map { $0 + 1 }
      expectClose(got, want, 2e-5, "\(heads) heads of \(dim)")
    }
  }
}
