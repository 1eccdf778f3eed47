import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Facts about this machine.
enum Machine {
  /// The processor's name in /proc/cpuinfo, else the machine's architecture.
  static var processorName: String {
    for line in processorDescription.split(separator: "\n") where line.hasPrefix("model name") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return String(line[line.index(after: colon)...].drop { $0 == " " })
    }
    var names = utsname()
    guard uname(&names) == 0 else { return "unknown" }
    return withUnsafeBytes(of: names.machine) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private static var processorDescription: String {
    String(decoding: Files.unsized("/proc/cpuinfo") ?? [], as: UTF8.self)
  }
}
