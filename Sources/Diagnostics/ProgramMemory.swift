import Support

/// The program's own share of the memory that a run takes: its code, stacks and threads, the tokenizer, and the
/// data that were read. Measured in the process that plans, which has read what the run reads, and whose stages
/// take no memory.
public struct ProgramMemory {
  private let pool: ThreadPool
  private let resident: Int
  private let heap: Int

  /// Before anything is opened or read: the pages of models are counted apart.
  public init(threads: Int) throws {
    pool = try ThreadPool(threads: threads)
    resident = Memory.resident
    heap = Memory.heap
  }

  /// Now.
  var bytes: Int { resident + max(0, Memory.heap - heap) }
}
