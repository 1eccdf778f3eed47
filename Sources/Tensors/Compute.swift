import CKernels
import Support

/// The threads and the scratch memory that every operation uses. One operation at a time.
public final class Compute {
  public let pool: ThreadPool
  let gemmWorkspace: UnsafeMutableRawPointer
  let quantized: QuantizedRows
  /// nil where nothing has an adapter.
  let lowRank: LowRankScratch?

  /// - Parameters:
  ///   - threads: results do not depend on it.
  ///   - int8Rows, int8Columns: the most that an int8 product quantises; 0 for none.
  ///   - adapterRows, adapterRank: the most rows that pass an adapter, and its rank; 0 for none.
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

/// Scratch for activations quantised per row.
struct QuantizedRows {
  let rows: Int
  let columns: Int
  let codes: UnsafeMutablePointer<Int8>
  let scales: UnsafeMutablePointer<Float>
  /// Rows of activations or weights as they are balanced and rotated, one a thread.
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

/// Which instruction set the kernels use.
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

  /// Refuses a wish (`TINYRLHF_ISA`) that the kernels would have to ignore.
  ///
  /// - Throws: `Failure(.usage)` for a name that is unknown, or that this machine does not have.
  public static func require(_ name: String?) throws {
    let here = allCases.filter(\.isAvailable).map(\.rawValue)
    guard let name, !name.isEmpty, !here.contains(name) else { return }
    throw Failure(
      .usage, "TINYRLHF_ISA=\(name) is no instruction set of this machine",
      remedy: "It may be \(here.joined(separator: ", ")); without it the fastest is used.")
  }

  /// Makes it the one in use; false if this machine does not have it. Not while kernels run.
  @discardableResult
  public func force() -> Bool { tk_isa_force(code) != 0 }
}
