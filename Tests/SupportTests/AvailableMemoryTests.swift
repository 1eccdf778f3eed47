import Testing

@testable import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A folder with a `/proc` and a `/sys` of its own.
private final class Root {
  let path = "/tmp/tinyrlhf-memory-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  private var made: [String] = []

  func write(_ text: String, to file: String) throws {
    var folder = path
    for part in [""] + file.split(separator: "/").dropLast().map(String.init) {
      folder += part.isEmpty ? "" : "/\(part)"
      if !Files.exists(folder) {
        try Files.makeFolder(folder)
        made.append(folder)
      }
    }
    try Files.writeAtomically(Array(text.utf8), to: "\(path)/\(file)")
    made.append("\(path)/\(file)")
  }

  deinit { for file in made.reversed() { remove(file) } }

  var available: AvailableMemory? { AvailableMemory.now(root: path) }
}

@Suite struct AvailableMemoryTests {
  private let root = Root()

  private func machine() throws {
    try root.write("MemTotal: 9000 kB\nMemAvailable:    8000 kB\n", to: "proc/meminfo")
  }

  @Test("without control groups it is what the machine has")
  func withoutGroups() throws {
    #expect(root.available == nil)
    try machine()
    #expect(root.available == AvailableMemory(bytes: 8_192_000, limit: .machine))
    try root.write("MemAvailable: 99999999999999999999 kB\n", to: "proc/meminfo")
    #expect(root.available == nil)
  }

  @Test("of the groups that the process is in the tightest sets the limit; files' pages do not count")
  func groups() throws {
    try machine()
    try root.write("0::/outer/inner\n", to: "proc/self/cgroup")
    try root.write("max\n", to: "sys/fs/cgroup/outer/inner/memory.max")
    try root.write("5000000\n", to: "sys/fs/cgroup/outer/memory.max")
    try root.write("4000000\n", to: "sys/fs/cgroup/outer/memory.current")
    #expect(root.available == AvailableMemory(bytes: 1_000_000, limit: .controlGroup))
    try root.write("anon 5\ninactive_file 1500000\n", to: "sys/fs/cgroup/outer/memory.stat")
    #expect(root.available == AvailableMemory(bytes: 2_500_000, limit: .controlGroup))
    try root.write("9000000\n", to: "sys/fs/cgroup/outer/memory.current")
    #expect(root.available == AvailableMemory(bytes: 0, limit: .controlGroup))
  }

  @Test("groups of the first version, in a container that knows only their outside names")
  func firstVersion() throws {
    try machine()
    try root.write("5:cpu:/x\n4:memory,hugetlb:/docker/0123\n", to: "proc/self/cgroup")
    try root.write("9223372036854771712\n", to: "sys/fs/cgroup/memory/memory.limit_in_bytes")
    try root.write("-9223372036854775808\n", to: "sys/fs/cgroup/memory/memory.usage_in_bytes")
    #expect(root.available?.limit == .machine)
    try root.write("3000000\n", to: "sys/fs/cgroup/memory/memory.limit_in_bytes")
    try root.write("1000000\n", to: "sys/fs/cgroup/memory/memory.usage_in_bytes")
    #expect(root.available == AvailableMemory(bytes: 2_000_000, limit: .controlGroup))
  }
}

@Test("what is allocated is counted as the heap's and as resident")
func heap() {
  let (heap, resident) = (Memory.heap, Memory.resident)
  let bytes = [UInt8](repeating: 1, count: 200_000_000)
  let (more, pages) = (Memory.heap - heap, Memory.resident - resident)
  withExtendedLifetime(bytes) {}
  // What other tests have left may be given back meanwhile.
  #expect(more >= bytes.count - 1_000_000 && pages >= bytes.count / 2, "\(more), \(pages)")
}
