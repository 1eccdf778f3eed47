import CKernels
import Testing

/// A sequence, and others that go on where it ends; each with the gradient of its output.
private struct SharedCase {
  let shape: AttentionShape
  let prefix: AttentionCase
  let rest: [AttentionCase]
  let dout: [[Float]]

  init(_ shape: AttentionShape, prefix: Int, rest: [Int]) {
    self.shape = shape
    let lengths = [prefix] + rest
    let cases = lengths.enumerated().map { AttentionCase(shape, queries: $1, keys: $1, "shared\($0)") }
    self.prefix = cases[0]
    self.rest = Array(cases.dropFirst())
    dout = lengths.enumerated().map { normals($1 * shape.outRow, "dout\($0)") }
  }

  /// The prefix followed by one of the others, as one sequence.
  func whole(_ index: Int) -> AttentionCase {
    let own = rest[index]
    var whole = prefix
    whole.queries += own.queries
    whole.keys += own.keys
    whole.q += own.q
    whole.k += own.k
    whole.v += own.v
    return whole
  }

  private var all: [AttentionCase] { [prefix] + rest }

  struct Forward {
    /// out, then lse, of the prefix and of each that goes on.
    var out: [[Float]]
    var lse: [[Float]]
  }

  func forward(_ s: Setting) -> Forward {
    let buffers = all.map {
      (q: s.floats($0.q), k: s.floats($0.k), v: s.floats($0.v), out: s.zeros($0.queries * shape.outRow),
        lse: s.zeros($0.queries * shape.heads))
    }
    let sequences = zip(all, buffers).enumerated().map { index, pair in
      let (c, b) = pair
      let before = index == 0 ? 0 : prefix.keys
      return tk_attention_sequence(
        queries: Int64(c.queries), keys: Int64(before + c.keys), q: b.q.readOnly,
        k: UnsafeRawPointer(b.k.pointer), v: UnsafeRawPointer(b.v.pointer), out: b.out.pointer,
        lse: b.lse.pointer, prefix: Int64(before),
        prefix_k: index == 0 ? nil : UnsafeRawPointer(buffers[0].k.pointer),
        prefix_v: index == 0 ? nil : UnsafeRawPointer(buffers[0].v.pointer))
    }
    attend(sequences, shape, (TK_KEYS_IN_ROWS, shape.kvRow, 0), s)
    return Forward(out: buffers.map { $0.out.values }, lse: buffers.map { $0.lse.values })
  }

  /// dq of all, dk of all, dv of all, sequence by sequence.
  func backward(_ s: Setting) -> [Float] {
    let forward = forward(s)
    return Self.gradients(all, out: forward.out, lse: forward.lse, dout: dout, shape, shares: true, s)
      .flatMap { $0 }
  }

  /// [dq, dk, dv] of each in turn; with `shares` all but the first go on where it ends.
  static func gradients(
    _ cases: [AttentionCase], out: [[Float]], lse: [[Float]], dout: [[Float]], _ shape: AttentionShape,
    shares: Bool, _ s: Setting
  ) -> [[Float]] {
    let buffers = cases.indices.map { i in
      (q: s.floats(cases[i].q), k: s.floats(cases[i].k), v: s.floats(cases[i].v), out: s.floats(out[i]),
        dout: s.floats(dout[i]), lse: s.floats(lse[i]), dq: s.zeros(cases[i].queries * shape.qRow),
        dk: s.zeros(cases[i].keys * shape.kvRow), dv: s.zeros(cases[i].keys * shape.kvRow))
    }
    let sequences = buffers.indices.map { i in
      let b = buffers[i], continues = shares && i > 0
      return tk_attention_backward_sequence(
        tokens: Int64(cases[i].queries), q: b.q.readOnly, k: b.k.readOnly, v: b.v.readOnly,
        out: b.out.readOnly, dout: b.dout.readOnly, lse: b.lse.readOnly, dq: b.dq.pointer, dk: b.dk.pointer,
        dv: b.dv.pointer, prefix: continues ? Int64(cases[0].keys) : 0,
        prefix_k: continues ? buffers[0].k.readOnly : nil, prefix_v: continues ? buffers[0].v.readOnly : nil,
        prefix_dk: continues ? buffers[0].dk.pointer : nil, prefix_dv: continues ? buffers[0].dv.pointer : nil)
    }
    let bytes = tk_attention_backward_workspace_bytes(
      Int64(shape.headDim), Int64(cases.map(\.queries).max()!), s.parts)
    let workspace = Setting(offset: 0).zeros((bytes + 3) / 4)
    sequences.withUnsafeBufferPointer {
      s.run(
        tk_attention_backward,
        tk_attention_backward_args(
          count: Int64(cases.count), sequences: $0.baseAddress, heads: Int64(shape.heads),
          kv_heads: Int64(shape.kvHeads), head_dim: Int64(shape.headDim), q_row: Int64(shape.qRow),
          kv_row: Int64(shape.kvRow), out_row: Int64(shape.outRow), dq_row: Int64(shape.qRow),
          dkv_row: Int64(shape.kvRow), scale: shape.scale, cap: shape.cap, window: Int64(shape.window),
          workspace: workspace.pointer))
    }
    return buffers.flatMap { [$0.dq.values, $0.dk.values, $0.dv.values] }
  }

  /// The gradients of the same loss where each sequence is computed whole: the prefix's own loss counts once, and
  /// what its tokens get from the others is added up.
  func unshared() -> [Float] {
    var sums = [[Float]](repeating: [], count: 3)  // of the prefix
    var own: [[Float]] = []
    for index in rest.indices {
      let whole = whole(index)
      let result = attend([whole], shape, Setting())
      let split = whole.queries * shape.outRow
      let first = index == 0 ? dout[0] : [Float](repeating: 0, count: dout[0].count)
      let gradients = Self.gradients(
        [whole], out: [Array(result.prefix(split))], lse: [Array(result[split...])],
        dout: [first + dout[index + 1]], shape, shares: false, Setting())
      let widths = [prefix.queries * shape.qRow, prefix.keys * shape.kvRow, prefix.keys * shape.kvRow]
      for (kind, width) in widths.enumerated() {
        let part = Array(gradients[kind].prefix(width))
        sums[kind] = sums[kind].isEmpty ? part : zip(sums[kind], part).map { $0 + $1 }
        own.append(Array(gradients[kind].dropFirst(width)))
      }
    }
    return sums.flatMap { $0 } + own.flatMap { $0 }
  }
}

@Suite("Sequences that go on where another ends")
struct AttentionPrefixTests {
  private let cases: [SharedCase] = [
    SharedCase(AttentionShape(headDim: 5), prefix: 3, rest: [2, 4]),
    SharedCase(AttentionShape(heads: 4, kvHeads: 2, headDim: 16), prefix: 17, rest: [9, 1, 30]),
    SharedCase(AttentionShape(heads: 4, kvHeads: 2, headDim: 20), prefix: 64, rest: [5, 64]),
    SharedCase(AttentionShape(heads: 2, kvHeads: 1, headDim: 32), prefix: 70, rest: [3, 130, 64]),
    SharedCase(AttentionShape(heads: 2, kvHeads: 2, headDim: 96), prefix: 1, rest: [70, 2]),
    SharedCase(AttentionShape(headDim: 5, window: 1), prefix: 3, rest: [2, 4]),
    SharedCase(AttentionShape(heads: 4, kvHeads: 2, headDim: 12, window: 16), prefix: 17, rest: [9, 1, 30]),
    SharedCase(AttentionShape(headDim: 20, window: 65, cap: 2), prefix: 100, rest: [3, 130, 64]),
    SharedCase(AttentionShape(headDim: 20, window: 40), prefix: 200, rest: [150, 5]),
    SharedCase(AttentionShape(headDim: 160, window: 5), prefix: 66, rest: [70, 2]),
  ]

  @Test("have the bits of whole sequences")
  func forward() {
    for c in cases {
      let got = everywhere("\(c.shape)", parts: [1, 2, 3]) { setting in
        let forward = c.forward(setting)
        return (forward.out + forward.lse).flatMap { $0 }
      }
      let shared = c.forward(Setting())
      #expect(got == (shared.out + shared.lse).flatMap { $0 })
      let alone = attend([c.prefix], c.shape, Setting())
      #expect(alone == shared.out[0] + shared.lse[0])
      for index in c.rest.indices {
        let whole = c.whole(index)
        let result = attend([whole], c.shape, Setting())
        let (rows, heads) = (whole.queries * c.shape.outRow, whole.queries * c.shape.heads)
        #expect(Array(result.prefix(rows).suffix(shared.out[index + 1].count)) == shared.out[index + 1])
        #expect(Array(result.suffix(heads).suffix(shared.lse[index + 1].count)) == shared.lse[index + 1])
      }
    }
  }

  @Test("have the gradients of whole sequences, summed over all that share a key, for any parts")
  func backward() {
    for c in cases {
      let got = everywhere("\(c.shape)", parts: [1, 2, 3]) { c.backward($0) }
      let want = c.unshared()
      let largest = want.map(\.magnitude).max()!
      let worst = zip(got, want).map { ($0 - $1).magnitude }.max()!
      #expect(got.count == want.count && worst <= 1e-6 * largest, "\(c.shape): off by \(worst) of \(largest)")
    }
  }
}
