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

/// Gives out `stream` at most `chunk` bytes at a time.
func source(of stream: [UInt8], chunk: Int) -> (UnsafeMutableRawBufferPointer) throws -> Int {
  var done = 0
  return { into in
    let count = min(chunk, into.count, stream.count - done)
    into.copyBytes(from: stream[done..<done + count])
    done += count
    return count
  }
}

/// All that a reader gives, asked for `buffer` bytes at a time.
func readAll(
  buffer: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int
) throws -> [UInt8] {
  var result: [UInt8] = []
  var part = [UInt8](repeating: 0, count: buffer)
  while true {
    let got = try part.withUnsafeMutableBytes { try read($0) }
    if got == 0 { return result }
    result += part.prefix(got)
  }
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
