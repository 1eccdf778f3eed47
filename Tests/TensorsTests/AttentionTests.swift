import CKernels
import Foundation
import Testing

/// Heads, strides and scores of a test; strides leave gaps to show that they are honoured.
struct AttentionShape {
  var heads = 2, kvHeads = 1, headDim = 8
  var window = 0
  var cap: Float = 0
  var scale: Float { Float(1 / Double(headDim).squareRoot()) }
  var qRow: Int { heads * headDim + 3 }
  var kvRow: Int { kvHeads * headDim + 5 }
  var outRow: Int { heads * headDim + 1 }
}

/// One sequence: `queries` rows of q against `keys` rows of k and v.
struct AttentionCase {
  var queries: Int, keys: Int
  var q: [Float], k: [Float], v: [Float]

  init(_ shape: AttentionShape, queries: Int, keys: Int, _ name: String) {
    (self.queries, self.keys) = (queries, keys)
    q = normals(queries * shape.qRow, "q\(name)").map { $0 * 2 }
    k = normals(keys * shape.kvRow, "k\(name)")
    v = normals(keys * shape.kvRow, "v\(name)")
  }

  /// The last `n` of the queries that see `keys` keys.
  func piece(_ shape: AttentionShape, queries n: Int, keys: Int) -> AttentionCase {
    var piece = self
    let first = keys - (self.keys - queries) - n
    piece.queries = n
    piece.keys = keys
    piece.q = Array(q[first * shape.qRow..<(first + n) * shape.qRow])
    piece.k = Array(k.prefix(keys * shape.kvRow))
    piece.v = Array(v.prefix(keys * shape.kvRow))
    return piece
  }
}

/// Where the keys and values of a test lie.
typealias KeysStorage = (storage: tk_keys_storage, row: Int, capacity: Int)

func attend(
  _ sequences: [tk_attention_sequence], _ shape: AttentionShape, _ keys: KeysStorage, _ s: Setting,
  keyFactors: [Float]? = nil
) {
  let factors = keyFactors.map { s.floats($0) }
  sequences.withUnsafeBufferPointer {
    s.run(
      tk_attention,
      tk_attention_args(
        count: Int64(sequences.count), sequences: $0.baseAddress, heads: Int64(shape.heads),
        kv_heads: Int64(shape.kvHeads), head_dim: Int64(shape.headDim), q_row: Int64(shape.qRow),
        kv_row: Int64(keys.row), out_row: Int64(shape.outRow), storage: keys.storage,
        capacity: Int64(keys.capacity), key_factors: factors?.readOnly, scale: shape.scale,
        cap: shape.cap, window: Int64(shape.window)))
  }
}

/// out of every case (gaps left 0), then lse of every case.
func attend(_ cases: [AttentionCase], _ shape: AttentionShape, _ s: Setting) -> [Float] {
  let buffers = cases.map {
    ($0, s.floats($0.q), s.floats($0.k), s.floats($0.v), s.zeros($0.queries * shape.outRow),
      s.zeros($0.queries * shape.heads))
  }
  let sequences = buffers.map { c, q, k, v, out, lse in
    tk_attention_sequence(
      queries: Int64(c.queries), keys: Int64(c.keys), q: q.readOnly, k: UnsafeRawPointer(k.pointer),
      v: UnsafeRawPointer(v.pointer), out: out.pointer, lse: lse.pointer)
  }
  attend(sequences, shape, (TK_KEYS_IN_ROWS, shape.kvRow, 0), s)
  return buffers.flatMap { $0.4.values } + buffers.flatMap { $0.5.values }
}

/// The same from caches, into which the keys come in two pieces; all memory is NaN before.
func attendCached(
  _ cases: [AttentionCase], _ shape: AttentionShape, _ storage: tk_keys_storage, capacity: Int,
  keyFactors: [Float]? = nil, _ s: Setting
) -> [Float] {
  let factors = keyFactors.map { s.floats($0) }
  let room = shape.kvHeads * capacity / 16 * tk_cache_group_bytes(storage, Int64(shape.headDim)) / 4
  let buffers = cases.map {
    ($0, s.floats($0.q), s.floats($0.k), s.floats($0.v), s.filled(room, .nan), s.filled(room, .nan),
      s.zeros($0.queries * shape.outRow), s.zeros($0.queries * shape.heads))
  }
  for piece in 0..<2 {
    let entries = buffers.map { c, _, k, v, keys, values, _, _ in
      let first = piece * (c.keys / 2), end = piece == 0 ? c.keys / 2 : c.keys
      return tk_cache_entry(
        count: Int64(end - first), position: Int64(first), k: k.pointer + first * shape.kvRow,
        v: v.pointer + first * shape.kvRow, keys: keys.pointer, values: values.pointer)
    }
    entries.withUnsafeBufferPointer {
      s.run(
        tk_cache_store,
        tk_cache_store_args(
          count: Int64(cases.count), entries: $0.baseAddress, kv_heads: Int64(shape.kvHeads),
          head_dim: Int64(shape.headDim), kv_row: Int64(shape.kvRow), storage: storage,
          capacity: Int64(capacity), key_factors: factors?.readOnly))
    }
  }
  let sequences = buffers.map { c, q, _, _, keys, values, out, lse in
    tk_attention_sequence(
      queries: Int64(c.queries), keys: Int64(c.keys), q: q.readOnly, k: keys.pointer,
      v: values.pointer, out: out.pointer, lse: lse.pointer)
  }
  attend(sequences, shape, (storage, 0, capacity), s, keyFactors: keyFactors)
  return buffers.flatMap { $0.6.values } + buffers.flatMap { $0.7.values }
}

/// Every head of every row as its int8 codes have it: the nearest multiple of max|x|/127.
/// - Parameter prepare: what a head becomes before it is quantised.
func throughCodes(
  _ x: [Float], row: Int, headDim: Int, prepare: (_ head: Int, [Float]) -> [Float] = { $1 }
) -> [Double] {
  var result = doubles(x)
  for start in stride(from: 0, through: x.count - headDim, by: row) {
    for (head, place) in stride(from: start, through: min(start + row, x.count) - headDim, by: headDim).enumerated() {
      let range = place..<(place + headDim)
      let values = prepare(head, Array(x[range]))
      let scale = values.map(\.magnitude).max()! / 127
      for (i, value) in zip(range, values) {
        result[i] = Double((value * (1 / scale)).rounded(.toNearestOrEven)) * Double(scale)
      }
    }
  }
  return result
}

/// The definition in float64 over what the codes of balanced and rotated queries and keys, and of values, stand for:
/// out of every case, then lse of every case.
func codesReference(_ cases: [AttentionCase], _ shape: AttentionShape, keyFactors: [Float]?) -> [Double] {
  let headDim = shape.headDim, share = shape.heads / shape.kvHeads
  func factor(_ kvHead: Int, _ i: Int) -> Float { keyFactors?[kvHead * headDim + i] ?? 1 }
  let want = cases.map {
    attentionReference(
      q: throughCodes($0.q, row: shape.qRow, headDim: headDim) { head, q in
        rotatedAsKernels(q.enumerated().map { $1 / factor(head / share, $0) })
      },
      k: throughCodes($0.k, row: shape.kvRow, headDim: headDim) { head, k in
        rotatedAsKernels(k.enumerated().map { $1 * factor(head, $0) })
      },
      v: throughCodes($0.v, row: shape.kvRow, headDim: headDim), queries: $0.queries,
      keys: $0.keys, shape)
  }
  return want.flatMap { $0.out } + want.flatMap { $0.lse }
}

/// The definition in float64: out (gaps 0), lse.
func attentionReference(
  q: [Double], k: [Double], v: [Double], queries: Int, keys: Int, _ shape: AttentionShape
) -> (out: [Double], lse: [Double]) {
  var out = [Double](repeating: 0, count: queries * shape.outRow)
  var lse = [Double](repeating: 0, count: queries * shape.heads)
  for i in 0..<queries {
    for h in 0..<shape.heads {
      let kv = h / (shape.heads / shape.kvHeads) * shape.headDim
      let end = keys - queries + i + 1
      let visible = (shape.window > 0 ? max(0, end - shape.window) : 0)..<end
      let z = visible.map { j in
        let score = (0..<shape.headDim).reduce(0.0) {
          $0 + q[i * shape.qRow + h * shape.headDim + $1] * k[j * shape.kvRow + kv + $1]
        } * Double(shape.scale)
        return shape.cap > 0 ? Double(shape.cap) * tanh(score / Double(shape.cap)) : score
      }
      let top = z.max()!
      let l = top + log(z.reduce(0) { $0 + exp($1 - top) })
      lse[i * shape.heads + h] = l
      for (j, z) in zip(visible, z) {
        let p = exp(z - l)
        for d in 0..<shape.headDim {
          out[i * shape.outRow + h * shape.headDim + d] += p * v[j * shape.kvRow + kv + d]
        }
      }
    }
  }
  return (out, lse)
}

@Suite struct AttentionTests {
  private func check(
    _ shape: AttentionShape, _ lengths: [(Int, Int)], parts: [Int32] = [1, 2, 3, 4]
  ) {
    let cases = lengths.enumerated().map {
      AttentionCase(shape, queries: $1.0, keys: $1.1, "\($0)")
    }
    let got = everywhere("\(shape) \(lengths)", parts: parts) { attend(cases, shape, $0) }
    let want = cases.map {
      attentionReference(
        q: doubles($0.q), k: doubles($0.k), v: doubles($0.v), queries: $0.queries, keys: $0.keys,
        shape)
    }
    expectClose(got, want.flatMap { $0.out } + want.flatMap { $0.lse }, 3e-6, "\(shape) \(lengths)")
  }

  @Test("attention is its definition for head widths that are and are not multiples of 16")
  func widths() {
    for headDim in [1, 2, 7, 15, 16, 17, 32, 40, 64, 70, 96, 128, 160, 250, 256] {
      check(AttentionShape(headDim: headDim), [(5, 5), (37, 70)], parts: [1, 3])
    }
  }

  @Test("attention is its definition for every length from 1 to 70")
  func lengths() {
    for n in 1...70 { check(AttentionShape(headDim: 4), [(n, n)], parts: [1, 2]) }
  }

  @Test("ragged sequences with pasts and shared kv heads are independent of each other")
  func ragged() {
    let lengths = [(1, 1), (1, 200), (130, 130), (3, 64), (66, 67), (64, 128), (5, 133)]
    check(AttentionShape(heads: 6, kvHeads: 2, headDim: 20), lengths)
  }

  @Test("training, prefill in pieces and decoding one by one give a query the same bits")
  func decodingIsTraining() {
    for shape in [AttentionShape(headDim: 20), AttentionShape(heads: 2, kvHeads: 2, headDim: 64)] {
      let n = 150
      let whole = AttentionCase(shape, queries: n, keys: n, "whole")
      let all = everywhere(parts: [1, 2]) { attend([whole], shape, $0) }
      for size in [1, 3, 7, 64] {
        var first = 0
        while first < n {
          let count = min(size, n - first)
          let piece = whole.piece(shape, queries: count, keys: first + count)
          let got = attend([piece], shape, Setting())
          let rows = first * shape.outRow..<(first + count) * shape.outRow
          #expect(Array(got.prefix(rows.count)) == Array(all[rows]), "rows \(first) + \(count)")
          let lse = n * shape.outRow + first * shape.heads, lseCount = count * shape.heads
          #expect(Array(got.suffix(lseCount)) == Array(all[lse..<(lse + lseCount)]))
          first += count
        }
      }
    }
  }

  private let headDims = [6, 16, 20, 32, 64, 96, 112, 128, 200, 256]
  private func pasts(_ shape: AttentionShape) -> [AttentionCase] {
    let lengths = [(1, 1), (1, 15), (1, 64), (1, 150), (5, 5), (70, 131), (3, 17)]
    return lengths.enumerated().map { AttentionCase(shape, queries: $1.0, keys: $1.1, "\($0)") }
  }

  @Test("a float32 cache gives the bits of rows")
  func caches() {
    for headDim in headDims {
      let shape = AttentionShape(heads: 4, kvHeads: 2, headDim: headDim)
      let cases = pasts(shape)
      let got = everywhere("head \(headDim)", parts: [1, 3]) {
        attendCached(cases, shape, TK_CACHE_FLOAT32, capacity: 160, $0)
      }
      let want = attend(cases, shape, Setting())
      #expect(got.map(\.bitPattern) == want.map(\.bitPattern), "head \(headDim)")
    }
  }

  @Test(
    "an int8 cache is the definition over what the codes of balanced and rotated queries and keys, and of values, stand for",
    arguments: [false, true])
  func codes(balanced: Bool) {
    for headDim in headDims {
      let shape = AttentionShape(heads: 4, kvHeads: 2, headDim: headDim)
      let cases = pasts(shape)
      let factors = balanced ? someFactors(2 * headDim) : nil
      let got = everywhere("head \(headDim)", parts: [1, 3]) {
        attendCached(cases, shape, TK_CACHE_INT8, capacity: 160, keyFactors: factors, $0)
      }
      expectClose(got, codesReference(cases, shape, keyFactors: factors), 3e-6, "head \(headDim)")
    }
  }

  @Test("what is not finite makes of an int8 cache what is no number, never a wrong one")
  func codesOfTheUnusual() {
    let shape = AttentionShape(heads: 1, kvHeads: 1, headDim: 16)
    let parts: [WritableKeyPath<AttentionCase, [Float]>] = [\.q, \.k, \.v]
    for value in [Float.nan, .infinity, -.infinity] {
      for part in parts {
        var one = AttentionCase(shape, queries: 1, keys: 3, "one")
        one[keyPath: part][3] = value
        let out = everywhere(parts: [1]) {
          Array(attendCached([one], shape, TK_CACHE_INT8, capacity: 16, $0).prefix(16))
        }
        #expect(out.allSatisfy { $0.isNaN }, "\(value)")
      }
    }
  }

  @Test("keys after a query contribute exactly nothing, even if they are NaN")
  func future() {
    let shape = AttentionShape(headDim: 16), n = 100
    let whole = AttentionCase(shape, queries: n, keys: n, "whole")
    let clean = attend([whole], shape, Setting())
    for seen in [1, 17, 64, 65, 99] {
      var poisoned = whole
      for i in (seen * shape.kvRow)..<(n * shape.kvRow) {
        poisoned.k[i] = .nan
        poisoned.v[i] = .nan
      }
      let got = everywhere(parts: [1]) {
        Array(attend([poisoned], shape, $0).prefix(seen * shape.outRow))
      }
      #expect(got == Array(clean.prefix(seen * shape.outRow)))
    }
  }

  @Test("scores far apart neither overflow nor lose the largest")
  func extremes() {
    let shape = AttentionShape(headDim: 8), n = 90
    var whole = AttentionCase(shape, queries: n, keys: n, "whole")
    whole.q = whole.q.map { $0 * 30 }
    let got = everywhere(parts: [1]) { attend([whole], shape, $0) }
    let want = attentionReference(
      q: doubles(whole.q), k: doubles(whole.k), v: doubles(whole.v), queries: n, keys: n, shape)
    expectClose(got, want.out + want.lse, 2e-4)  // scores near 100 carry their own rounding
  }
}
