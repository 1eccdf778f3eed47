import CKernels
import Foundation
import Testing

/// One sequence and the gradient of its output.
private struct GradientCase {
  var forward: AttentionCase
  var dout: [Float]

  init(_ shape: AttentionShape, _ tokens: Int, _ name: String) {
    forward = AttentionCase(shape, queries: tokens, keys: tokens, name)
    dout = normals(tokens * shape.outRow, "dout\(name)")
  }
}

/// dq, dk, dv of each case in turn; gaps stay 9, which shows that nothing else is written.
private func gradients(
  _ cases: [GradientCase], _ shape: AttentionShape, _ s: Setting
) -> [[Float]] {
  let dqRow = shape.qRow + 2, dkvRow = shape.kvRow + 1
  var buffers: [[Floats]] = []
  for c in cases {
    let n = c.forward.queries
    let result = attend([c.forward], shape, s)
    buffers.append([
      s.floats(c.forward.q), s.floats(c.forward.k), s.floats(c.forward.v),
      s.floats(Array(result.prefix(n * shape.outRow))), s.floats(c.dout),
      s.floats(result.suffix(n * shape.heads)),
      s.filled(n * dqRow, 9), s.filled(n * dkvRow, 9), s.filled(n * dkvRow, 9),
    ])
  }
  let sequences = zip(cases, buffers).map { c, b in
    tk_attention_backward_sequence(
      tokens: Int64(c.forward.queries), q: b[0].readOnly, k: b[1].readOnly, v: b[2].readOnly,
      out: b[3].readOnly, dout: b[4].readOnly, lse: b[5].readOnly, dq: b[6].pointer,
      dk: b[7].pointer, dv: b[8].pointer)
  }
  let longest = cases.map(\.forward.queries).max() ?? 0
  let bytes = tk_attention_backward_workspace_bytes(Int64(shape.headDim), Int64(longest), s.parts)
  let workspace = Setting(offset: 0).zeros((bytes + 3) / 4)
  sequences.withUnsafeBufferPointer {
    s.run(
      tk_attention_backward,
      tk_attention_backward_args(
        count: Int64(cases.count), sequences: $0.baseAddress, heads: Int64(shape.heads),
        kv_heads: Int64(shape.kvHeads), head_dim: Int64(shape.headDim), q_row: Int64(shape.qRow),
        kv_row: Int64(shape.kvRow), out_row: Int64(shape.outRow), dq_row: Int64(dqRow),
        dkv_row: Int64(dkvRow), scale: shape.scale, cap: shape.cap, window: Int64(shape.window),
        workspace: workspace.pointer))
  }
  return zip(cases, buffers).map { c, b in
    let n = c.forward.queries
    func packed(_ x: Floats, _ row: Int, _ width: Int) -> [Float] {
      let values = x.values
      for r in 0..<n { #expect(values[(r * row + width)..<((r + 1) * row)].allSatisfy { $0 == 9 }) }
      return (0..<n).flatMap { Array(values[$0 * row..<($0 * row + width)]) }
    }
    return packed(b[6], dqRow, shape.heads * shape.headDim)
      + packed(b[7], dkvRow, shape.kvHeads * shape.headDim)
      + packed(b[8], dkvRow, shape.kvHeads * shape.headDim)
  }
}

@Suite struct AttentionBackwardTests {
  /// Compares with finite differences at `samples` coordinates spread over q, k and v.
  private func check(_ shape: AttentionShape, _ tokens: Int, samples: Int) {
    let c = GradientCase(shape, tokens, "g")
    let got = everywhere("\(shape) \(tokens)", parts: [1, 2]) {
      gradients([c], shape, $0)[0]
    }
    // Coordinates in the packed order of `got`, and where each lies in q ++ k ++ v.
    let f = c.forward
    var places: [Int] = []
    for (row, width, base) in [
      (shape.qRow, shape.heads * shape.headDim, 0),
      (shape.kvRow, shape.kvHeads * shape.headDim, f.q.count),
      (shape.kvRow, shape.kvHeads * shape.headDim, f.q.count + f.k.count),
    ] {
      places += (0..<(tokens * width)).map { base + $0 / width * row + $0 % width }
    }
    #expect(places.count == got.count)
    let step = max(1, places.count / samples)
    let chosen = Array(stride(from: 0, to: places.count, by: step))
    let loss: ([Double]) -> Double = { x in
      let out = attentionReference(
        q: Array(x[..<f.q.count]), k: Array(x[f.q.count..<(f.q.count + f.k.count)]),
        v: Array(x[(f.q.count + f.k.count)...]), queries: tokens, keys: tokens, shape
      ).out
      // The gaps between rows of the output are 0 and so weigh nothing.
      return dot(out, doubles(c.dout))
    }
    let want = slopes(
      of: loss, at: doubles(f.q + f.k + f.v), coordinates: chosen.map { places[$0] })
    expectClose(chosen.map { got[$0] }, want, 1e-5, "\(shape), \(tokens) tokens")
  }

  @Test("gradients equal finite differences for short sequences of every head layout")
  func shortSequences() {
    for shape in [
      AttentionShape(heads: 1, kvHeads: 1, headDim: 3), AttentionShape(headDim: 5),
      AttentionShape(heads: 4, kvHeads: 2, headDim: 16),
    ] {
      for tokens in [1, 2, 5, 18] { check(shape, tokens, samples: 150) }
    }
  }

  @Test("gradients equal finite differences across tiles")
  func longSequences() {
    check(AttentionShape(headDim: 4), 64, samples: 60)
    check(AttentionShape(headDim: 4), 65, samples: 60)
    check(AttentionShape(heads: 4, kvHeads: 2, headDim: 17), 131, samples: 60)
  }

  @Test("gradients equal finite differences with a window, for texts shorter and longer than it")
  func windows() {
    for window in [1, 5, 16] {
      check(AttentionShape(headDim: 5, window: window), 4, samples: 60)
      check(AttentionShape(heads: 4, kvHeads: 2, headDim: 12, window: window), 21, samples: 60)
    }
    for window in [1, 16, 63, 64, 65, 200] { check(AttentionShape(headDim: 4, window: window), 150, samples: 40) }
    check(AttentionShape(headDim: 4, window: 70), 260, samples: 40)
  }

  @Test("gradients equal finite differences with a cap, alone and with a window")
  func caps() {
    for window in [0, 5] {
      let shape = AttentionShape(heads: 4, kvHeads: 2, headDim: 12, window: window, cap: 1.5)
      check(shape, 18, samples: 60)
      check(shape, 80, samples: 40)
    }
  }

  @Test("gradients equal finite differences for wide heads")
  func wideHeads() {
    for headDim in [160, 256] { check(AttentionShape(headDim: headDim), 18, samples: 40) }
  }

  @Test(
    "a sequence's gradients have the same bits alone and among others, for any parts", arguments: [0, 5, 65])
  func raggedIsAlone(window: Int) {
    let shape = AttentionShape(heads: 4, kvHeads: 2, headDim: 32, window: window)
    let cases = [1, 70, 33, 150, 64].enumerated().map { GradientCase(shape, $1, "\($0)") }
    let together = everywhere { gradients(cases, shape, $0).flatMap { $0 } }
    let alone = cases.flatMap { gradients([$0], shape, Setting())[0] }
    #expect(together == alone)
  }

  @Test("the gradients with a window of the whole text or more have the bits of those without")
  func longWindows() {
    func bits(_ window: Int) -> [Float] {
      let shape = AttentionShape(headDim: 20, window: window)
      return gradients([GradientCase(shape, 130, "long")], shape, Setting())[0]
    }
    for window in [130, 131, .max] { #expect(bits(window) == bits(0)) }
  }
}
