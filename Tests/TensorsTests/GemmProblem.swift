import CKernels
import Support

@testable import Tensors

/// A matrix in a buffer of its own, NaN wherever there is no element, so that a stray read shows.
struct StridedMatrix {
  let rows: Int, columns: Int
  let rowStride: Int, columnStride: Int
  let offset: Int
  var storage: [Float]

  /// - Parameters:
  ///   - transposed: whether columns rather than rows are contiguous.
  ///   - gap: unused elements between contiguous runs.
  ///   - offset: elements before the first, which misaligns it.
  init(
    _ rows: Int, _ columns: Int, transposed: Bool, gap: Int, offset: Int,
    element: (Int, Int) -> Float
  ) {
    self.rows = rows
    self.columns = columns
    self.offset = offset
    rowStride = transposed ? 1 : columns + gap
    columnStride = transposed ? rows + gap : 1
    let runs = transposed ? columns : rows
    let run = (transposed ? rows : columns) + gap
    storage = Array(repeating: .nan, count: offset + runs * run + 1)
    for i in 0..<rows {
      for j in 0..<columns { storage[offset + i * rowStride + j * columnStride] = element(i, j) }
    }
  }

  subscript(i: Int, j: Int) -> Float { storage[offset + i * rowStride + j * columnStride] }
}

/// One call of `tk_gemm`, repeatable on every instruction set and number of parts.
struct GemmProblem: CustomStringConvertible {
  let M: Int, N: Int, K: Int
  let a: StridedMatrix, b: StridedMatrix, c: StridedMatrix
  let bias: [Float]?
  let accumulate: Bool
  /// How B is stored; its values are those of this type.
  let stored: ElementType
  /// Where the chains begin instead, if anywhere.
  var addend: StridedMatrix?

  /// - Parameter layout: bit 0: A column-major; 1: B is W[N, K]; 2: accumulate; 3: bias.
  init(_ M: Int, _ N: Int, _ K: Int, layout: Int, stored: ElementType = .float32, value: (Int) -> Float) {
    (self.M, self.N, self.K) = (M, N, K)
    self.stored = stored
    accumulate = layout & 4 != 0
    bias = layout & 8 != 0 ? (0..<N).map { value(3 &* $0 &+ 77) } : nil
    a = StridedMatrix(M, K, transposed: layout & 1 != 0, gap: 1, offset: 1 + M % 3) {
      value($0 &* K &+ $1)
    }
    b = StridedMatrix(K, N, transposed: layout & 2 != 0, gap: 1, offset: 1 + N % 5) {
      stored.rounded(value(1_000_003 &+ $0 &* N &+ $1))
    }
    c = StridedMatrix(M, N, transposed: false, gap: 1 + K % 2, offset: 1 + K % 3) {
      value(2_000_003 &+ $0 &* N &+ $1)
    }
  }

  var description: String {
    "M \(M) N \(N) K \(K), A \(a.columnStride == 1 ? "rows" : "columns"), "
      + "B \(b.columnStride == 1 ? "rows" : "columns"), accumulate \(accumulate), "
      + "bias \(bias != nil), B \(stored)"
  }

  /// C's whole buffer, gaps included, after the product by the active instruction set.
  func product(parts: Int = 1, workspace: Workspace) -> [Float] {
    var result = c.storage
    a.storage.withUnsafeBufferPointer { a in
      stored.bytes(of: b.storage).withUnsafeBytes { b in
        result.withUnsafeMutableBufferPointer { c in
          (bias ?? []).withUnsafeBufferPointer { bias in
            var arguments = tk_gemm_args()
            (arguments.M, arguments.N, arguments.K) = (Int64(M), Int64(N), Int64(K))
            arguments.A = a.baseAddress! + self.a.offset
            arguments.a_row = Int64(self.a.rowStride)
            arguments.a_column = Int64(self.a.columnStride)
            arguments.B = b.baseAddress! + self.b.offset * stored.bytes
            arguments.b_type = stored.kernel
            arguments.b_row = Int64(self.b.rowStride)
            arguments.b_column = Int64(self.b.columnStride)
            arguments.C = c.baseAddress! + self.c.offset
            arguments.c_row = Int64(self.c.rowStride)
            arguments.bias = self.bias == nil || N == 0 ? nil : bias.baseAddress
            arguments.workspace = workspace.base
            if accumulate {
              arguments.from = UnsafePointer(arguments.C)
              arguments.from_row = arguments.c_row
            }
            (addend?.storage ?? []).withUnsafeBufferPointer { from in
              if let addend {
                arguments.from = from.baseAddress! + addend.offset
                arguments.from_row = Int64(addend.rowStride)
              }
              for part in 0..<parts { tk_gemm(&arguments, Int32(part), Int32(parts)) }
            }
          }
        }
      }
    }
    return result
  }

  /// The definition in Swift: one ascending chain, then the bias.
  func reference() -> [Float] {
    var result = c.storage
    for m in 0..<M {
      for n in 0..<N {
        let index = c.offset + m * c.rowStride + n
        var sum = addend?[m, n] ?? (accumulate ? result[index] : 0)
        for k in 0..<K { sum = sum.addingProduct(a[m, k], b[k, n]) }
        if let bias { sum += bias[n] }
        result[index] = sum
      }
    }
    return result
  }
}

/// Aligned working memory with a guard behind it.
final class Workspace {
  let base: UnsafeMutableRawPointer
  private let bytes: Int
  private static let guardBytes = 4096

  init(parts: Int) {
    bytes = tk_gemm_workspace_bytes(Int32(parts))
    base = .allocate(byteCount: bytes + Self.guardBytes, alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes + Self.guardBytes)
  }

  deinit { base.deallocate() }

  var guardIsIntact: Bool {
    (bytes..<bytes + Self.guardBytes).allSatisfy {
      base.load(fromByteOffset: $0, as: UInt8.self) == 0xFF
    }
  }
}

/// Values that round in every product, zeros of both signs among them.
func roughValue(_ i: Int) -> Float {
  let scrambled = UInt32(truncatingIfNeeded: i) &* 2_654_435_761
  if scrambled >> 28 == 0 { return scrambled & 1 == 0 ? 0 : -0.0 }
  return Float(Int32(bitPattern: scrambled)) / 1_234_567_936
}

/// Integers of −8…7: products and sums of a few thousand of them are exact.
func smallInteger(_ i: Int) -> Float {
  Float(Int((UInt32(truncatingIfNeeded: i) &* 2_654_435_761) >> 28) - 8)
}

/// Whether two buffers hold the same bytes.
func identical(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
}

extension ElementType {
  /// The bytes of these numbers, rounded to this type.
  func bytes(of floats: [Float]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: floats.count * self.bytes)
    bytes.withUnsafeMutableBytes { write(floats, count: floats.count, to: $0.baseAddress!) }
    return bytes
  }

  /// The number that a value becomes in this type.
  func rounded(_ value: Float) -> Float {
    var result = value
    bytes(of: [value]).withUnsafeBytes { read($0.baseAddress!, from: 0, count: 1, into: &result) }
    return result
  }
}
