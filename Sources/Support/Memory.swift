import CSupport

/// The memory of the process.
public enum Memory {
  /// Returns freed memory to the system, if the C library keeps it.
  public static func releaseFree() { ts_release_free_memory() }

  /// Bytes allocated from the C library and not freed; 0 if the library does not report them.
  public static var heap: Int { Int(ts_heap_bytes()) }

  /// Resident bytes now, including the pages of the program's code; 0 without `/proc`.
  public static var resident: Int { status("VmRSS:") ?? 0 }

  /// The largest resident size so far, in bytes; nil without `/proc`.
  static var peak: Int? { status("VmHWM:") }

  private static func status(_ name: String) -> Int? {
    Files.unsized("/proc/self/status").flatMap { KernelText($0).bytes(name) }
  }
}

/// Text from the kernel with one figure per line.
struct KernelText {
  private let lines: [ArraySlice<UInt8>]

  init(_ text: [UInt8]) { lines = text.split(separator: 0x0A) }

  /// The number after a name.
  func number(_ name: String) -> Int? {
    let words = lines.lazy.map { $0.split { $0 == 0x20 || $0 == 0x09 } }
      .first { $0.first?.elementsEqual(name.utf8) == true }
    return words.flatMap { $0.count > 1 ? Int(String(decoding: $0[1], as: UTF8.self)) : nil }
  }

  /// The same for an amount in bytes; the kernel gives it in kibibytes.
  func bytes(_ name: String) -> Int? { number(name).flatMap { Int.product([$0, 1024]) } }
}
