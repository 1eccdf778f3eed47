import CKernels
import Support

@testable import Tensors

func roundedUp(_ count: Int, _ grain: Int) -> Int { (count + grain - 1) / grain * grain }

/// The weights' side of an int8 product: packed codes, a scale and a sum of codes per output.
struct PackedCodes: Equatable {
  var N: Int
  var K: Int
  var codes: [Int8]
  var scales: [Float]
  var rowSums: [Int32]

  /// Where the code of (n, k) lies in [⌈N/16⌉][⌈K/4⌉][16][4].
  static func place(_ n: Int, _ k: Int, K: Int) -> Int {
    (((n / 16) * (roundedUp(K, 4) / 4) + k / 4) * 16 + n % 16) * 4 + k % 4
  }

  /// By the kernel, in `parts` slices; what it does not write stays 99.
  /// - Parameter factors: of the columns; without them the codes are those of w itself.
  init(packing w: [Float], N: Int, K: Int, factors: [Float]? = nil, parts: Int = 1, stored: ElementType = .float32) {
    (self.N, self.K) = (N, K)
    var workspace = [Float](repeating: .nan, count: tk_int8_workspace_bytes(Int64(K), Int32(parts)) / 4)
    codes = [Int8](repeating: 99, count: tk_int8_packed_bytes(Int64(N), Int64(K)))
    scales = [Float](repeating: 99, count: N)
    rowSums = [Int32](repeating: 99, count: N)
    for part in 0..<parts {
      var args = tk_int8_pack_args()
      (args.N, args.K) = (Int64(N), Int64(K))
      args.type = stored.kernel
      stored.bytes(of: w).withUnsafeBytes { w in
        codes.withUnsafeMutableBufferPointer { codes in
          scales.withUnsafeMutableBufferPointer { scales in
            rowSums.withUnsafeMutableBufferPointer { rowSums in
              args.w = w.baseAddress
              args.codes = codes.baseAddress
              args.scales = scales.baseAddress
              args.row_sums = rowSums.baseAddress
              (factors ?? []).withUnsafeBufferPointer { values in
                args.factors = factors == nil ? nil : values.baseAddress
                workspace.withUnsafeMutableBufferPointer {
                  args.workspace = $0.baseAddress
                  tk_int8_pack(&args, Int32(part), Int32(parts))
                }
              }
            }
          }
        }
      }
    }
  }

  /// From plain codes [N, K], without the kernels.
  init(plain: [Int8], N: Int, K: Int, scales: [Float]) {
    (self.N, self.K, self.scales) = (N, K, scales)
    codes = [Int8](repeating: 0, count: roundedUp(N, 16) * roundedUp(K, 4))
    rowSums = [Int32](repeating: 0, count: N)
    for n in 0..<N {
      for k in 0..<K {
        codes[Self.place(n, k, K: K)] = plain[n * K + k]
        rowSums[n] += Int32(plain[n * K + k])
      }
    }
  }

  func unpacked(factors: [Float]? = nil, parts: Int = 1) -> [Float] {
    var w = [Float](repeating: 99, count: N * K)
    for part in 0..<parts {
      var args = tk_int8_unpack_args()
      (args.rows, args.K, args.w_row) = (Int64(N), Int64(K), Int64(K))
      codes.withUnsafeBufferPointer { codes in
        scales.withUnsafeBufferPointer { scales in
          (factors ?? []).withUnsafeBufferPointer { values in
            w.withUnsafeMutableBufferPointer { w in
              args.codes = codes.baseAddress
              args.scales = scales.baseAddress
              args.factors = factors == nil ? nil : values.baseAddress
              args.w = w.baseAddress
              tk_int8_unpack(&args, Int32(part), Int32(parts))
            }
          }
        }
      }
    }
    return w
  }
}

/// The activations' side: codes [rows, K4] and a scale per row.
struct RowCodes: Equatable {
  var rows: Int
  var K: Int
  var codes: [Int8]
  var scales: [Float]

  var depth: Int { roundedUp(K, 4) }

  /// By the kernel, in `parts` slices, from rows that lie `stride` apart.
  /// - Parameter factors: of the columns; without them the codes are those of x itself.
  init(quantizing x: [Float], rows: Int, K: Int, stride: Int? = nil, factors: [Float]? = nil, parts: Int = 1) {
    (self.rows, self.K) = (rows, K)
    var workspace = [Float](repeating: .nan, count: tk_int8_workspace_bytes(Int64(K), Int32(parts)) / 4)
    codes = [Int8](repeating: 99, count: rows * roundedUp(K, 4))
    scales = [Float](repeating: 99, count: rows)
    for part in 0..<parts {
      var args = tk_int8_quantize_args()
      (args.rows, args.K, args.x_row) = (Int64(rows), Int64(K), Int64(stride ?? K))
      x.withUnsafeBufferPointer { x in
        codes.withUnsafeMutableBufferPointer { codes in
          scales.withUnsafeMutableBufferPointer { scales in
            args.x = x.baseAddress
            args.codes = codes.baseAddress
            args.scales = scales.baseAddress
            (factors ?? []).withUnsafeBufferPointer { values in
              args.factors = factors == nil ? nil : values.baseAddress
              workspace.withUnsafeMutableBufferPointer {
                args.workspace = $0.baseAddress
                tk_int8_quantize(&args, Int32(part), Int32(parts))
              }
            }
          }
        }
      }
    }
  }

  /// From plain codes [rows, K], without the kernels.
  init(plain: [Int8], rows: Int, K: Int, scales: [Float]) {
    (self.rows, self.K, self.scales) = (rows, K, scales)
    codes = []
    for row in 0..<rows {
      codes += plain[row * K..<(row + 1) * K]
      codes += [Int8](repeating: 0, count: roundedUp(K, 4) - K)
    }
  }

  func row(_ row: Int) -> RowCodes {
    var one = self
    one.rows = 1
    one.codes = Array(codes[row * depth..<(row + 1) * depth])
    one.scales = [scales[row]]
    return one
  }
}

/// The kernel's product in rows `stride` apart; what it does not write stays as in `initial`.
func int8Product(
  _ x: RowCodes, _ w: PackedCodes, bias: [Float]? = nil, onto initial: [Float], stride: Int,
  accumulate: Bool = false, parts: Int = 1
) -> [Float] {
  var y = initial
  for part in 0..<parts {
    var args = tk_int8_gemm_args()
    (args.M, args.N, args.K) = (Int64(x.rows), Int64(w.N), Int64(w.K))
    args.y_row = Int64(stride)
    args.accumulate = accumulate ? 1 : 0
    x.codes.withUnsafeBufferPointer { codes in
      x.scales.withUnsafeBufferPointer { scales in
        args.x = codes.baseAddress
        args.x_scales = scales.baseAddress
        w.codes.withUnsafeBufferPointer { codes in
          w.scales.withUnsafeBufferPointer { scales in
            w.rowSums.withUnsafeBufferPointer { sums in
              (bias ?? []).withUnsafeBufferPointer { values in
                y.withUnsafeMutableBufferPointer { y in
                  args.w = codes.baseAddress
                  args.w_scales = scales.baseAddress
                  args.row_sums = sums.baseAddress
                  args.bias = bias == nil ? nil : values.baseAddress
                  args.y = y.baseAddress
                  tk_int8_gemm(&args, Int32(part), Int32(parts))
                }
              }
            }
          }
        }
      }
    }
  }
  return y
}

extension RandomStream {
  /// Codes on −127…127, both ends as likely as the rest.
  mutating func codes(_ count: Int) -> [Int8] {
    (0..<count).map { _ in Int8(below(255) - 127) }
  }

  /// Numbers on (−scale, scale).
  mutating func numbers(_ count: Int, scale: Float = 1) -> [Float] {
    (0..<count).map { _ in (2 * uniform() - 1) * scale }
  }
}
