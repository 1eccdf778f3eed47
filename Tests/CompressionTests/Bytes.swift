import Glibc
import Support

/// `count` bytes that compress by about half: normal floats.
func sampleBytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var random = RandomStream(seed: seed, purpose: "compression/sample")
  var bytes: [UInt8] = []
  while bytes.count < count {
    withUnsafeBytes(of: random.normal()) { bytes.append(contentsOf: $0) }
  }
  return Array(bytes.prefix(count))
}

/// The path of the zstd command, if the machine has it.
let zstdCommand = ["/usr/bin/zstd", "/usr/local/bin/zstd"].first { Files.exists($0) }

/// Runs a program and returns its exit code.
func run(_ arguments: [String]) -> Int32 {
  var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
  defer { posix_spawn_file_actions_destroy(&actions) }
  var child: pid_t = 0
  guard posix_spawn(&child, arguments[0], &actions, nil, &pointers, environ) == 0 else {
    return -1
  }
  var status: Int32 = 0
  waitpid(child, &status, 0)
  return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
}
