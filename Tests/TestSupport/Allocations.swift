import CTestSupport

/// How many times `body` allocates on this thread; nil where that cannot be counted.
public func allocations(_ body: () throws -> Void) rethrows -> Int? {
  guard ct_count_allocations() != 0 else { return nil }
  do {
    try body()
  } catch {
    _ = ct_allocations()
    throw error
  }
  return Int(ct_allocations())
}
