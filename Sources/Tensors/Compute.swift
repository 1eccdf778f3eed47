import CKernels
import Support

/// The threads and the scratch memory that all operations share. Only one operation may run at a time.
public final class Compute {
  public let pool: ThreadPool
  let gemmWorkspace: UnsafeMutableRawPointer
  let quantized: QuantizedRows
  /// Scratch memory of adapters; nil if no projection has an adapter.
  let lowRank: LowRankScratch?

  /// - Parameters:
  ///   - threads: number of threads; results do not depend on it.
  ///   - int8Rows, int8Columns: the largest activation that an int8 product quantises; 0 for none.
  ///   - adapterRows, adapterRank: the most rows of an adapter's input, and the largest rank; 0 for none.
  public init(
    threads: Int, arena: Arena, int8Rows: Int = 0, int8Columns: Int = 0, adapterRows: Int = 0,
    adapterRank: Int = 0
  ) throws {
    pool = try ThreadPool(threads: threads)
    gemmWorkspace = try arena.allocate(
      "workspace/matrix product", bytes: tk_gemm_workspace_bytes(Int32(threads)))
    quantized = try QuantizedRows(
      arena: arena, rows: int8Rows, columns: int8Columns, threads: threads)
    lowRank = adapterRank > 0 ? try LowRankScratch(arena: arena, rows: adapterRows, rank: adapterRank) : nil
  }
}

/// Scratch memory for activations that are quantised by row.
struct QuantizedRows {
  let rows: Int
  let columns: Int
  let codes: UnsafeMutablePointer<Int8>
  let scales: UnsafeMutablePointer<Float>
  /// One row per thread: the row of activations or weights after balancing and rotation.
  let prepared: UnsafeMutablePointer<Float>

  init(arena: Arena, rows: Int, columns: Int, threads: Int) throws {
    self.rows = rows
    self.columns = (columns + 3) / 4 * 4
    codes = try arena.allocate("workspace/int8 activations", rows * self.columns, of: Int8.self)
    scales = try arena.floats("workspace/int8 scales", rows)
    prepared = try arena.allocate(
      "workspace/int8 rows", bytes: tk_int8_workspace_bytes(Int64(columns), Int32(threads))
    ).assumingMemoryBound(to: Float.self)
  }
}

/// An instruction set that kernels can use.
public enum InstructionSet: String, CaseIterable, Sendable {
  case scalar, avx2, avx512, neon

  private var code: tk_isa {
    switch self {
    case .scalar: TK_SCALAR
    case .avx2: TK_AVX2
    case .avx512: TK_AVX512
    case .neon: TK_NEON
    }
  }

  public var isAvailable: Bool { tk_isa_available(code) != 0 }

  public static var active: InstructionSet {
    let active = tk_isa_active()
    return allCases.first { $0.code == active }!
  }

  /// Checks the value of `TINYRLHF_ISA`; the kernels would silently ignore an invalid one.
  ///
  /// - Throws: `Failure(.usage)` if the name is unknown or this machine does not have the instruction set.
  public static func require(_ name: String?) throws {
    let here = allCases.filter(\.isAvailable).map(\.rawValue)
    guard let name, !name.isEmpty, !here.contains(name) else { return }
    throw Failure(
      .usage, "TINYRLHF_ISA=\(name) is not an instruction set of this machine",
      remedy: "Use one of \(here.joined(separator: ", ")), or unset it to use the fastest.")
  }

  /// Makes the kernels use this instruction set. Must not be called while kernels run.
  /// - Returns: false if this machine does not have it.
  @discardableResult
  public func force() -> Bool { tk_isa_force(code) != 0 }
}
