import CKernels
import Foundation
import Testing

@Suite("Attention with a window, with a cap and with both")
struct AttentionWindowTests {
  private static let windows = [1, 5, 16, 63, 64, 65, 1000]

  private func check(_ shape: AttentionShape, _ lengths: [(Int, Int)]) {
    let cases = lengths.enumerated().map { AttentionCase(shape, queries: $1.0, keys: $1.1, "\($0)") }
    let got = everywhere("\(shape)", parts: [1, 3]) { attend(cases, shape, $0) }
    let want = cases.map {
      attentionReference(
        q: doubles($0.q), k: doubles($0.k), v: doubles($0.v), queries: $0.queries, keys: $0.keys, shape)
    }
    expectClose(got, want.flatMap { $0.out } + want.flatMap { $0.lse }, 5e-6, "\(shape)")
  }

  @Test("is its definition for texts shorter and longer than the window and than tiles", arguments: windows)
  func definition(window: Int) {
    let lengths = [(1, 1), (4, 4), (15, 15), (66, 66), (150, 150), (1, 200), (3, 64), (70, 131)]
    for cap: Float in [0, 2] {
      check(AttentionShape(heads: 4, kvHeads: 2, headDim: 12, window: window, cap: cap), lengths)
      check(AttentionShape(headDim: 20, window: window, cap: cap), lengths)
    }
  }

  @Test("is its definition for wide heads", arguments: [80, 160, 256])
  func wideHeads(headDim: Int) {
    for window in [0, 5, 64] {
      check(AttentionShape(headDim: headDim, window: window), [(5, 5), (70, 131), (1, 130)])
      check(AttentionShape(headDim: headDim, window: window, cap: 3), [(5, 5), (70, 131), (1, 130)])
    }
  }

  @Test("gives a query the same bits in training, in prefill in pieces and in decoding", arguments: windows)
  func decodingIsTraining(window: Int) {
    for cap: Float in [0, 2] {
      let shape = AttentionShape(heads: 4, kvHeads: 2, headDim: 32, window: window, cap: cap), n = 150
      let whole = AttentionCase(shape, queries: n, keys: n, "whole")
      let all = attend([whole], shape, Setting())
      for size in [1, 7, 64] {
        let pieces = stride(from: 0, to: n, by: size).map { first in
          whole.piece(shape, queries: min(size, n - first), keys: min(first + size, n))
        }
        #expect(attend(pieces, shape, Setting()) == all, "rows by \(size)")
        let cached = everywhere("by \(size)", parts: [1, 2]) {
          attendCached(pieces, shape, TK_CACHE_FLOAT32, capacity: 160, $0)
        }
        #expect(cached == all, "cached by \(size)")
      }
    }
  }

  @Test("reads an int8 cache as its definition over what the codes stand for", arguments: windows)
  func codes(window: Int) {
    for (headDim, cap) in [(20, 0), (64, 2), (256, 0)] {
      let shape = AttentionShape(heads: 4, kvHeads: 2, headDim: headDim, window: window, cap: Float(cap))
      let lengths = [(1, 1), (1, 15), (1, 64), (1, 150), (5, 5), (70, 131)]
      let cases = lengths.enumerated().map { AttentionCase(shape, queries: $1.0, keys: $1.1, "\($0)") }
      let factors = someFactors(2 * headDim)
      let got = everywhere("head \(headDim)", parts: [1, 3]) {
        attendCached(cases, shape, TK_CACHE_INT8, capacity: 160, keyFactors: factors, $0)
      }
      expectClose(got, codesReference(cases, shape, keyFactors: factors), 5e-6, "head \(headDim)")
    }
  }

  @Test("takes exactly nothing from keys before the window, even if they are NaN", arguments: windows.dropLast())
  func past(window: Int) {
    let shape = AttentionShape(headDim: 16, window: window), n = 140
    for queries in [1, 30, 70] {
      let clean = AttentionCase(shape, queries: queries, keys: n, "past")
      var poisoned = clean
      for i in 0..<((n - queries - window + 1) * shape.kvRow) {
        poisoned.k[i] = .nan
        poisoned.v[i] = .nan
      }
      let want = attend([clean], shape, Setting())
      #expect(everywhere(parts: [1]) { attend([poisoned], shape, $0) } == want)
      for storage in [TK_CACHE_FLOAT32, TK_CACHE_INT8] {
        let read = { attendCached([$0], shape, storage, capacity: 144, $1) }
        #expect(everywhere(parts: [1]) { read(poisoned, $0) } == read(clean, Setting()))
      }
    }
  }

  @Test("has the bits of attention without a window if the window is the whole text or more")
  func longWindows() {
    let shape = AttentionShape(headDim: 20), n = 130
    let whole = AttentionCase(shape, queries: n, keys: n, "whole")
    let want = attend([whole], shape, Setting())
    for window in [n, n + 1, .max] {
      var wide = shape
      wide.window = window
      #expect(everywhere(parts: [1, 2]) { attend([whole], wide, $0) } == want)
    }
  }
}
