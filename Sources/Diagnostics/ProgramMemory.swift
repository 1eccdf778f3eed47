import Support

/// The program's own share of a run's memory: its code, stacks and threads, the tokenizer, and the data that were read.
/// It is measured in the planning process, which reads the same files as the run but allocates no memory for stages.
public struct ProgramMemory {
  private let pool: ThreadPool
  private let resident: Int
  private let heap: Int

  /// Call before any file is opened or read, because the pages of mapped models are counted separately.
  public init(threads: Int) throws {
    pool = try ThreadPool(threads: threads)
    resident = Memory.resident
    heap = Memory.heap
  }

  /// The program's memory now [bytes].
  var bytes: Int { resident + max(0, Memory.heap - heap) }
}
